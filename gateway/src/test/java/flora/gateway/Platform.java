package flora.gateway;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeHub;
import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.Topics;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.RunEvent;
import flora.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** One real broker and one real S3 endpoint for all integration tests of this JVM. */
final class Platform {

  private static final Platform ONE = start();

  private final EmbeddedKafka kafka;
  private final EmbeddedS3 s3;
  private final FakeHub hub = FakeHub.start(0);
  private final KafkaProducer<String, byte[]> producer;

  private Platform(EmbeddedKafka kafka, EmbeddedS3 s3) {
    this.kafka = kafka;
    this.s3 = s3;
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer());
  }

  static Platform get() {
    return ONE;
  }

  private static Platform start() {
    try {
      var folder = Files.createTempDirectory("gateway-it");
      var kafka = EmbeddedKafka.start(EmbeddedKafka.Options.on(folder.resolve("kafka")));
      var s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
      return new Platform(kafka, s3);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Gateway shared;

  /** The gateway of all tests that change nothing about it; lives as long as this JVM. */
  synchronized Gateway shared() {
    if (shared == null) {
      shared = gateway("--gateway.max-upload=12MB");
    }
    return shared;
  }

  /** A gateway on this platform; {@code properties} win over the quick ones of the tests. */
  Gateway gateway(String... properties) {
    var args =
        new ArrayList<>(
            List.of(
                "--server.port=0",
                "--spring.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--store.endpoint=" + s3.endpoint(),
                "--hub.endpoint=" + hub.endpoint(),
                "--gateway.intake.enabled=false",
                "--gateway.intake.every=200ms",
                "--gateway.intake.quiet=500ms",
                "--gateway.reconcile.every=300ms",
                "--gateway.heartbeat=300ms"));
    // of two equal arguments Spring would take both
    for (var property : properties) {
      var name = property.substring(0, property.indexOf('=') + 1);
      args.removeIf(a -> a.startsWith(name));
      args.add(property);
    }
    return new Gateway(GatewayApplication.builder().run(args.toArray(String[]::new)));
  }

  /** The hub of every gateway that names no other. */
  FakeHub hub() {
    return hub;
  }

  ObjectStore storeOf(Gateway gateway) {
    return gateway.bean(ObjectStore.class);
  }

  /** Says an event as a stage would. */
  void tell(Event event) {
    var topic =
        switch (event) {
          case RunEvent _ -> Topics.RUN_EVENTS;
          case FetchEvent _ -> Topics.FETCH_EVENTS;
          case LabelEvent _ -> Topics.LABEL_EVENTS;
          default -> Topics.TRAINING_EVENTS;
        };
    send(topic, event.runId().value(), Json.bytes(event));
  }

  void send(String topic, String key, byte[] value) {
    try {
      producer.send(new ProducerRecord<>(topic, key, value)).get();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Every committed record of a topic with this key, in order. */
  List<ConsumerRecord<String, byte[]>> records(String topic, String key) {
    try (var consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                kafka.bootstrapServers(),
                "isolation.level",
                "read_committed",
                "enable.auto.commit",
                "false"),
            new StringDeserializer(),
            new ByteArrayDeserializer())) {
      var partitions =
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var end = consumer.endOffsets(partitions);
      var found = new ArrayList<ConsumerRecord<String, byte[]>>();
      while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
        for (var message : consumer.poll(Duration.ofMillis(100))) {
          if (key.equals(message.key())) {
            found.add(message);
          }
        }
      }
      return found;
    }
  }

  String bootstrapServers() {
    return kafka.bootstrapServers();
  }
}
