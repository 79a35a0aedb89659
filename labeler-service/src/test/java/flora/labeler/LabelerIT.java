package flora.labeler;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.LocalFiles;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole service, as it is started, on a real broker and a real object store. */
class LabelerIT {

  @TempDir Path folder;

  @Test
  @Timeout(300)
  void takesARunFromItsQueueAndTellsWhatItMade() throws Exception {
    try (var kafka =
            EmbeddedKafka.start(
                new EmbeddedKafka.Options(
                    folder.resolve("kafka"), "127.0.0.1", 0, null, Map.of()));
        var s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
        var store =
            new S3ObjectStore(
                s3.endpoint(),
                s3.accessKey(),
                new Secret(s3.secretKey()),
                "us-east-1",
                LocalFiles.none())) {
      createTopics(kafka);
      var rig = new LabelerRig(store, folder.resolve("rig")).withShapes();
      var request = Json.bytes(LabelerRig.request(LabelerRig.COLOURS_AND_SHAPES));
      var key = StoreLayout.request(LabelerRig.RUN);
      store.put(StoreLayout.RUNS, key, request, "application/json");
      store.put(
          StoreLayout.RUNS,
          StoreLayout.head(LabelerRig.RUN),
          Json.bytes(rig.head()),
          "application/json");
      var work =
          Work.of(
              Stage.LABEL,
              LabelerRig.RUN,
              new ObjectRef(StoreLayout.RUNS, key, request.length, Sha256.sum(request)),
              1);

      try (var labeler =
          LabelerApplication.builder()
              .registerShutdownHook(false)
              .run(
                  "--spring.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                  "--store.endpoint=" + s3.endpoint(),
                  "--store.access-key=" + s3.accessKey(),
                  "--store.secret-key=" + s3.secretKey(),
                  "--store.cache-folder=" + folder.resolve("labeler/cache"))) {
        assertThat(labeler.isActive()).isTrue();
        send(kafka, Topics.LABEL_REQUESTS, Json.bytes(work));
        var events = eventsUntilCompleted(kafka);

        var first = Json.read(events.getFirst().value(), LabelEvent.class);
        var completed =
            (LabelEvent.Completed) Json.read(events.getLast().value(), LabelEvent.class);
        assertThat(first).isInstanceOf(LabelEvent.Started.class);
        assertThat(completed.rows()).isEqualTo(48);
        assertThat(header(events.getLast(), "ce_type")).isEqualTo("io.flora.label.completed.v1");
        assertThat(header(events.getLast(), "ce_source")).isEqualTo("/flora/labeler");
        assertThat(rig.table(completed, "metadata.csv")).contains("00.png,red circle\n");
        assertThat(rig.latest("shapes").orElseThrow().version()).isEqualTo(completed.version());
        var head =
            Json.read(
                store
                    .read(StoreLayout.RUNS, StoreLayout.head(LabelerRig.RUN))
                    .orElseThrow()
                    .bytes(),
                Head.class);
        assertThat(head.label()).isEqualTo(completed);
      }
      // the flow by itself, on the same pictures, makes the same version
      assertThat(rig.run(LabelerRig.COLOURS_AND_SHAPES).version())
          .isEqualTo(rig.latest("shapes").orElseThrow().version());
    }
  }

  private static void createTopics(EmbeddedKafka kafka) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      admin
          .createTopics(
              Topics.all().stream()
                  .map(t -> new NewTopic(t.name(), t.partitions(), (short) 1).configs(t.config()))
                  .toList())
          .all()
          .get();
    }
  }

  private static void send(EmbeddedKafka kafka, String topic, byte[] value) throws Exception {
    try (var producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer())) {
      producer.send(new ProducerRecord<>(topic, LabelerRig.RUN.value(), value)).get();
    }
  }

  private static List<ConsumerRecord<String, byte[]>> eventsUntilCompleted(EmbeddedKafka kafka) {
    var events = new ArrayList<ConsumerRecord<String, byte[]>>();
    try (var consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", kafka.bootstrapServers(),
                "group.id", "test",
                "auto.offset.reset", "earliest"),
            new StringDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(Topics.LABEL_EVENTS));
      while (true) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          events.add(record);
          var event = Json.read(record.value(), LabelEvent.class);
          assertThat(event).isNotInstanceOf(LabelEvent.Failed.class);
          if (event instanceof LabelEvent.Completed) {
            return events;
          }
        }
      }
    }
  }

  private static String header(ConsumerRecord<?, ?> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }
}
