package flora.stage;

import flora.store.ObjectStore;
import flora.store.StoreConfiguration;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.HashMap;
import java.util.Locale;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.kafka.autoconfigure.KafkaProperties;
import org.springframework.cloud.stream.function.StreamBridge;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.PropertySource;
import org.springframework.kafka.core.DefaultShareConsumerFactory;

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
  StageRunner stageRunner(
      StageFlow flow,
      ObjectStore store,
      Outbox outbox,
      StageProperties properties,
      KafkaProperties kafka) {
    var clock = Clock.systemUTC();
    var given = properties.worker();
    // a lease goes back at once to its owner: no two stages may share a name
    var worker = flow.stage().group() + "-" + (given == null ? hostAndProcess() : given);
    var handler =
        new StageWorker(
            flow, store, outbox, properties.retryPolicy(), clock, worker, properties.lease());
    var admin = new HashMap<>(kafka.buildAdminProperties());
    admin.put(AdminClientConfig.CLIENT_ID_CONFIG, worker + "-setup");
    var consumer = new HashMap<>(kafka.buildConsumerProperties());
    // share groups know none of these
    consumer.remove(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG);
    consumer.remove(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG);
    consumer.remove(ConsumerConfig.ISOLATION_LEVEL_CONFIG);
    return new StageRunner(
        new WorkQueue(
            consumers(consumer),
            new SharedTopics(admin, properties.lock()),
            flow.stage(),
            handler,
            outbox,
            worker,
            properties.grace(),
            clock));
  }

  /** One record at a time, acknowledged by us alone. */
  static DefaultShareConsumerFactory<String, byte[]> consumers(
      java.util.Map<String, Object> properties) {
    var config = new HashMap<>(properties);
    config.put("share.acknowledgement.mode", "explicit");
    config.put("share.acquire.mode", "record_limit");
    config.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
    return new DefaultShareConsumerFactory<>(
        config, new StringDeserializer(), new ByteArrayDeserializer(), false);
  }

  private static String hostAndProcess() {
    return "%s-%d"
        .formatted(host(), ProcessHandle.current().pid())
        .replaceAll("[^A-Za-z0-9._-]", "-");
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName().toLowerCase(Locale.ROOT);
    } catch (UnknownHostException e) {
      return "localhost"; // a machine whose own name does not resolve
    }
  }
}
