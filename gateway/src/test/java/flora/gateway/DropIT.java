package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Topics;
import flora.schemas.dataset.DatasetListing;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files come in while the store and the broker go away and come back. */
class DropIT {

  private static final int FILES = 20;
  private static final Duration AWAY = Duration.ofSeconds(2);

  @TempDir Path folder;

  @Test
  void losesNoneWhileStoreAndBrokerGoAwayAndComeBack() throws Exception {
    var s3Options = EmbeddedS3.Options.on(folder.resolve("s3"));
    var kafkaOptions = EmbeddedKafka.Options.on(folder.resolve("kafka"));
    var s3 = EmbeddedS3.start(s3Options);
    var kafka = EmbeddedKafka.start(kafkaOptions);
    var servers = kafka.bootstrapServers();
    s3Options = s3Options.withPort(s3.endpoint().getPort());
    kafkaOptions = kafkaOptions.withPort(port(servers));
    try (var gateway =
            Platform.get()
                .gateway(
                    "--spring.kafka.bootstrap-servers=" + servers,
                    "--store.endpoint=" + s3.endpoint(),
                    "--gateway.intake.enabled=true");
        var people = Executors.newVirtualThreadPerTaskExecutor()) {
      var store = gateway.bean(ObjectStore.class);
      var dropping = people.submit(() -> dropAll(store));

      Thread.sleep(500);
      s3.close();
      Thread.sleep(AWAY);
      s3 = EmbeddedS3.start(s3Options);
      kafka.close();
      Thread.sleep(AWAY);
      dropping.get();
      s3.close();
      Thread.sleep(AWAY);
      s3 = EmbeddedS3.start(s3Options);
      kafka = EmbeddedKafka.start(kafkaOptions);

      var run = RunId.of("dropped", "storm", listing(store));
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(asked(servers)).contains(run));
      assertThat(gateway.run(run).name()).isEqualTo("storm");
    } finally {
      s3.close();
      kafka.close();
    }
  }

  /** As a client of the store does it: what is not taken is sent again. */
  private static int dropAll(ObjectStore store) throws InterruptedException {
    for (int i = 0; i < FILES; ) {
      try {
        store.put(
            StoreLayout.DATASETS,
            "incoming/storm/%02d.png".formatted(i),
            new byte[] {(byte) i},
            "image/png");
        i++;
        Thread.sleep(100);
      } catch (ObjectStoreException e) {
        Thread.sleep(100);
      }
    }
    return FILES;
  }

  private static String listing(ObjectStore store) {
    var listing = new DatasetListing();
    try (var files = store.list(StoreLayout.DATASETS, "incoming/storm/")) {
      files.forEach(file -> listing.add(file.key(), file.size(), file.etag()));
    }
    assertThat(listing.files()).isEqualTo(FILES);
    return listing.finish().hex();
  }

  /** Every run that a stage was asked for. */
  private static Set<RunId> asked(String servers) {
    try (var consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers),
            new StringDeserializer(),
            new ByteArrayDeserializer())) {
      var partition = List.of(new TopicPartition(Topics.FETCH_REQUESTS, 0));
      consumer.assign(partition);
      consumer.seekToBeginning(partition);
      long end = consumer.endOffsets(partition).get(partition.getFirst());
      var runs = new HashSet<RunId>();
      while (consumer.position(partition.getFirst()) < end) {
        consumer
            .poll(Duration.ofMillis(200))
            .forEach(record -> runs.add(Json.read(record.value(), Work.class).runId()));
      }
      return runs;
    }
  }

  private static int port(String servers) {
    return Integer.parseInt(servers.substring(servers.lastIndexOf(':') + 1));
  }
}
