package flora.stage;

import flora.store.ObjectStore;
import flora.store.StoreConfiguration;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.kafka.autoconfigure.KafkaProperties;
import org.springframework.cloud.stream.function.StreamBridge;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.PropertySource;

/**
 * Runs the one {@link StageFlow} bean of a service: for each stage's service to import. Kafka is
 * reached by {@code spring.kafka.*}.
 */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(StageProperties.class)
@Import(StoreConfiguration.class)
@PropertySource("classpath:flora-stage.properties")
public class StageConfiguration {

  @Bean("floraPlainHeaders")
  PlainHeaders floraPlainHeaders() {
    return new PlainHeaders();
  }

  @Bean
  Outbox outbox(StreamBridge bridge) {
    return new StreamOutbox(bridge);
  }

  @Bean
  WorkQueues workQueues(StageProperties properties, KafkaProperties kafka, Outbox outbox) {
    return new WorkQueues(properties, kafka, outbox, Clock.systemUTC());
  }

  @Bean
  QueueRunner stageRunner(
      StageFlow flow,
      ObjectStore store,
      Outbox outbox,
      StageProperties properties,
      WorkQueues queues) {
    var topic = WorkTopic.of(flow.stage());
    return queues.runner(
        topic,
        new StageWorker(
            flow,
            store,
            outbox,
            properties.retryPolicy(),
            Clock.systemUTC(),
            queues.worker(topic),
            properties.lease()));
  }
}
