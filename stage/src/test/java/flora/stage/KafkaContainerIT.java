package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Stage;
import flora.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.kafka.KafkaContainer;

/** Topics and share groups on the broker of docker-compose.yml; skipped where no Docker is. */
@Testcontainers(disabledWithoutDocker = true)
class KafkaContainerIT {

  @Container
  private static final KafkaContainer KAFKA =
      new KafkaContainer("apache/kafka:4.2.1")
          .withEnv("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1")
          .withEnv("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", "1");

  @Test
  void workThatWaitedBeforeTheFirstWorkerCameIsTaken() throws Exception {
    var client = Map.<String, Object>of("bootstrap.servers", KAFKA.getBootstrapServers());
    var topics = new SharedTopics(client, Duration.ofSeconds(30));
    topics.prepare(Stage.FETCH.group());
    topics.prepare(Stage.FETCH.group());
    try (var admin = Admin.create(client)) {
      assertThat(admin.listTopics().names().get())
          .containsAll(Topics.all().stream().map(Topics.Topic::name).toList());
    }
    try (var producer =
        new KafkaProducer<>(client, new StringSerializer(), new ByteArraySerializer())) {
      producer
          .send(
              new ProducerRecord<>(
                  Topics.FETCH_REQUESTS, "run", "work".getBytes(StandardCharsets.UTF_8)))
          .get();
    }

    try (var worker =
        WorkQueues.consumers(client).createShareConsumer(Stage.FETCH.group(), "worker")) {
      worker.subscribe(List.of(Topics.FETCH_REQUESTS));
      var taken =
          Awaitility.await()
              .atMost(Duration.ofSeconds(30))
              .until(() -> worker.poll(Duration.ofSeconds(1)), records -> !records.isEmpty());
      StreamSupport.stream(taken.spliterator(), false)
          .forEach(r -> worker.acknowledge(r, AcknowledgeType.ACCEPT));

      assertThat(worker.commitSync().values()).allMatch(failure -> failure.isEmpty());
    }
  }
}
