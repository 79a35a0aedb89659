package flora.labeler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.labeler.work.Shard;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.run.Head;
import flora.schemas.run.LeaseState;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.LocalFiles;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A labelling that two processes share, while one is killed and store and broker come and go. */
class ShardIT {

  private static final int PICTURES = 400;
  private static final int PARTS = 20;
  private static final Duration LONG = Duration.ofSeconds(120);

  @TempDir Path folder;

  @Test
  @Timeout(300)
  void everyPictureHasItsRowOnceWhoeverDies() throws Exception {
    var kafka = EmbeddedKafka.start(EmbeddedKafka.Options.on(folder.resolve("kafka")).withPort(0));
    var s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
    var endpoint = s3.endpoint();
    try (var store = storeAt(s3)) {
      createTopics(kafka);
      var rig = new LabelerRig(store, folder.resolve("rig"));
      drop(rig);
      var settings =
          List.of(
              "--labeler.shard-size=" + PICTURES / PARTS,
              "--spring.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
              "--store.endpoint=" + endpoint,
              "--store.access-key=" + s3.accessKey(),
              "--store.secret-key=" + s3.secretKey());
      try (var one = LabelerProcess.start("one", folder, settings);
          var two = LabelerProcess.start("two", folder, settings)) {
        store.put(
            StoreLayout.RUNS,
            StoreLayout.head(LabelerRig.RUN),
            Json.bytes(rig.head()),
            "application/json");
        var bootstrap = kafka.bootstrapServers();
        await().atMost(LONG).ignoreExceptions().until(() -> sharing(bootstrap) == 2);
        ask(kafka, store);

        await()
            .atMost(LONG)
            .until(() -> done(store) >= PARTS * 3 / 10 && workers(store).size() == 2);
        var holder = holder(store).contains("one") ? one : two;
        var workers = workers(store);
        holder.kill();

        await().atMost(LONG).until(() -> done(store) >= PARTS / 2);
        s3.close();
        Thread.sleep(5000);
        s3 = EmbeddedS3.start(options(folder.resolve("s3"), endpoint));

        await().atMost(LONG).ignoreExceptions().until(() -> done(store) >= PARTS * 6 / 10);
        var port = Integer.parseInt(kafka.bootstrapServers().split(":")[1]);
        kafka.close();
        kafka =
            EmbeddedKafka.start(EmbeddedKafka.Options.on(folder.resolve("kafka")).withPort(port));

        // as the gateway does for runs that nobody holds
        ask(kafka, store);
        await().atMost(LONG).until(() -> head(store).map(h -> h.label() != null).orElse(false));
        assertThat(one.isAlive()).isNotEqualTo(two.isAlive());
        assertThat(workers).as("who did parts before one was killed").hasSize(2);
      }

      var completed = head(store).orElseThrow().label();
      assertThat(completed.rows()).isEqualTo(PICTURES);
      var manifest =
          Json.read(
              store.read(StoreLayout.DATASETS, completed.manifest().key()).orElseThrow().bytes(),
              DatasetManifest.class);
      assertThat(manifest.images())
          .extracting(Image::fileName)
          .containsExactlyElementsOf(
              IntStream.range(0, PICTURES).mapToObj("p%05d.png"::formatted).toList());
      assertThat(manifest.images()).extracting(Image::text).containsOnly("a picture");
      assertThat(rig.latest("many").orElseThrow().version()).isEqualTo(completed.version());
    } finally {
      s3.close();
      kafka.close();
    }
  }

  private static void drop(LabelerRig rig) throws Exception {
    try (var threads = Executors.newFixedThreadPool(8)) {
      for (int i = 0; i < PICTURES; i++) {
        var picture = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
        picture.setRGB(1, 1, i * 7919);
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(picture, "png", bytes);
        var name = "p%05d.png".formatted(i);
        threads.execute(() -> rig.drop("many", name, bytes.toByteArray()));
      }
    }
  }

  private static void ask(EmbeddedKafka kafka, S3ObjectStore store) throws Exception {
    var yaml = "dataset: {name: many, label: {model: flora/shapes-clip, labels: [picture]}}";
    var request = Json.bytes(LabelerRig.request(yaml));
    var key = StoreLayout.request(LabelerRig.RUN);
    store.put(StoreLayout.RUNS, key, request, "application/json");
    var reference = new ObjectRef(StoreLayout.RUNS, key, request.length, Sha256.sum(request));
    try (var producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer())) {
      producer
          .send(
              new ProducerRecord<>(
                  Topics.LABEL_REQUESTS,
                  LabelerRig.RUN.value(),
                  Json.bytes(Work.of(Stage.LABEL, LabelerRig.RUN, reference, 1))))
          .get();
    }
  }

  /** How many wait for parts: one that is much slower to start would find none left. */
  private static int sharing(String bootstrap) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      var group = Topics.LABEL_SHARD_GROUP;
      return (int)
          admin.describeShareGroups(List.of(group)).all().get().get(group).members().stream()
              .filter(m -> !m.assignment().topicPartitions().isEmpty())
              .count();
    }
  }

  private static int done(S3ObjectStore store) {
    return Shard.allDone(store, LabelerRig.RUN).size();
  }

  private static List<String> workers(S3ObjectStore store) {
    return Shard.allDone(store, LabelerRig.RUN).stream()
        .map(n -> new Shard(store, LabelerRig.RUN, n).done().orElseThrow().by())
        .distinct()
        .toList();
  }

  private static String holder(S3ObjectStore store) {
    return Json.read(
            store.read(StoreLayout.RUNS, StoreLayout.lease(LabelerRig.RUN)).orElseThrow().bytes(),
            LeaseState.class)
        .owner();
  }

  private static Optional<Head> head(S3ObjectStore store) {
    try {
      return store
          .read(StoreLayout.RUNS, StoreLayout.head(LabelerRig.RUN))
          .map(s -> Json.read(s.bytes(), Head.class));
    } catch (ObjectStoreException e) {
      return Optional.empty();
    }
  }

  private static EmbeddedS3.Options options(Path folder, URI endpoint) {
    return EmbeddedS3.Options.on(folder).withPort(endpoint.getPort());
  }

  private static S3ObjectStore storeAt(EmbeddedS3 s3) {
    return new S3ObjectStore(
        s3.endpoint(), s3.accessKey(), new Secret(s3.secretKey()), "us-east-1", LocalFiles.none());
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
}
