package flora.labeler;

import flora.models.weights.Int8Units;
import flora.stage.DeadLetters;
import flora.stage.Outbox;
import flora.stage.QueueRunner;
import flora.stage.StageConfiguration;
import flora.stage.StageFlow;
import flora.stage.WorkQueues;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.store.StoreProperties;
import java.nio.file.Path;
import java.time.Clock;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The labeler: makes the dataset version, with its captions, of each run that needs one. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableConfigurationProperties(LabelerProperties.class)
@Import(StageConfiguration.class)
public class LabelerApplication {

  /** The application, to be run alone or beside others in one JVM. */
  public static SpringApplicationBuilder builder() {
    return new SpringApplicationBuilder(LabelerApplication.class)
        .properties("spring.config.name=labeler-service")
        .web(WebApplicationType.NONE);
  }

  /** Runs the labeler alone. */
  public static void main(String[] args) {
    builder().run(args);
  }

  /** Beside the cache, not in it: the cache counts what it finds. */
  private static Path work(StoreProperties storage) {
    return storage.cacheFolder().toAbsolutePath().resolveSibling("labeler");
  }

  @Bean
  LabelModels labelModels(ObjectStore store, LocalCache cache, StoreProperties storage) {
    return new LabelModels(store, cache, work(storage));
  }

  @Bean
  Labelling labelling(ObjectStore store, LabelModels models, LabelerProperties properties) {
    return new Labelling(
        store, models::open, properties, Clock.systemUTC(), Int8Units.of(Int8Units.CPUINFO));
  }

  @Bean
  ShardTask shardTask(ObjectStore store, LabelerProperties properties, WorkQueues queues) {
    return new ShardTask(
        store, Clock.systemUTC(), queues.worker(ShardTopic.SHARDS), properties.shardClaim());
  }

  @Bean
  StageFlow labelerFlow(
      ObjectStore store,
      Labelling labelling,
      LabelModels models,
      ShardTask task,
      Outbox outbox,
      StoreProperties storage,
      LabelerProperties properties) {
    var clock = Clock.systemUTC();
    var topic = new ShardTopic(outbox, clock);
    var shards = new SharedLabelling(store, task, topic::tell, properties.shardSize());
    var checking = new Checking(store, models::tokenCounter);
    return new LabelerFlow(store, labelling, shards, checking, work(storage), clock);
  }

  @Bean
  QueueRunner shardRunner(
      ObjectStore store,
      Labelling labelling,
      ShardTask task,
      Outbox outbox,
      StoreProperties storage,
      WorkQueues queues) {
    return queues.runner(
        ShardTopic.SHARDS,
        new ShardHandler(
            store,
            labelling,
            task,
            new DeadLetters(outbox, ShardTopic.DEAD_LETTERS),
            work(storage),
            Clock.systemUTC()));
  }
}
