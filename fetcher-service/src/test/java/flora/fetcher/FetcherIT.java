package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.hub.mirror.Mirrors;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.ObjectInfo;
import flora.store.s3.S3ObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole service on a real broker and a real store, asked as the gateway asks it. */
class FetcherIT {

  private static final String WEIGHTS = "model.safetensors";

  @TempDir static Path folder;
  private static EmbeddedKafka kafka;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;
  private static KafkaProducer<String, byte[]> producer;
  private static final List<FetchEvent> events = new CopyOnWriteArrayList<>();
  private static volatile boolean open = true;
  private static Thread tail;

  private final FakeHub hub = FakeHub.start(0);
  private final FakeHub near = FakeHub.start(0, "/huggingface-proxy");

  @BeforeAll
  static void startAll() throws Exception {
    kafka = EmbeddedKafka.start(EmbeddedKafka.Options.on(folder.resolve("kafka")));
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
    store = Stores.connect(s3);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer());
  }

  @AfterAll
  static void stopAll() throws Exception {
    open = false;
    if (tail != null) {
      tail.join();
    }
    producer.close();
    store.close();
    s3.close();
    kafka.close();
  }

  @AfterEach
  void stop() {
    hub.close();
    near.close();
  }

  private List<String> settings() {
    return List.of(
        "--spring.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
        "--store.endpoint=" + s3.endpoint(),
        "--store.access-key=" + s3.accessKey(),
        "--store.secret-key=" + s3.secretKey(),
        "--store.cache-folder=" + folder.resolve("cache"),
        "--stage.lock=1s",
        "--stage.lease=900ms",
        "--stage.first-pause=100ms",
        "--hub.mirrors[0].name=near",
        "--hub.mirrors[0].endpoint=" + near.endpoint(),
        "--hub.probe-every=1s",
        "--hub.probe-repository=flora/probed",
        "--hub.endpoint=" + hub.endpoint());
  }

  private ConfigurableApplicationContext service() {
    var context = FetcherApplication.builder().run(settings().toArray(String[]::new));
    listen();
    return context;
  }

  /** Reads the stage's topic from its start, once it is there. */
  private static synchronized void listen() {
    if (tail != null) {
      return;
    }
    tail =
        Thread.ofPlatform()
            .start(
                () -> {
                  try (var consumer =
                      new KafkaConsumer<>(
                          Map.of("bootstrap.servers", (Object) kafka.bootstrapServers()),
                          new StringDeserializer(),
                          new ByteArrayDeserializer())) {
                    var topic = Stage.FETCH.events();
                    var partitions =
                        consumer.partitionsFor(topic).stream()
                            .map(p -> new TopicPartition(topic, p.partition()))
                            .toList();
                    consumer.assign(partitions);
                    consumer.seekToBeginning(partitions);
                    while (open) {
                      for (var record : consumer.poll(Duration.ofMillis(100))) {
                        events.add(Json.read(record.value(), FetchEvent.class));
                      }
                    }
                  }
                });
  }

  private static RunId ask(RunRequest request) throws Exception {
    var run = RunId.next(Clock.systemUTC(), new Random());
    var bytes = Json.bytes(request);
    var key = StoreLayout.request(run);
    store.put(StoreLayout.RUNS, key, bytes, "application/json");
    var reference = new ObjectRef(StoreLayout.RUNS, key, bytes.length, Sha256.sum(bytes));
    var work = Work.of(Stage.FETCH, run, reference, 1);
    producer
        .send(new ProducerRecord<>(Stage.FETCH.requests(), run.value(), Json.bytes(work)))
        .get();
    return run;
  }

  private static <T extends FetchEvent> List<T> events(RunId run, Class<T> type) {
    return events.stream()
        .filter(event -> event.runId().equals(run) && type.isInstance(event))
        .map(type::cast)
        .toList();
  }

  private static <T extends FetchEvent> T awaitEvent(RunId run, Class<T> type) {
    return await()
        .atMost(Duration.ofSeconds(120))
        .until(() -> events(run, type), found -> !found.isEmpty())
        .getFirst();
  }

  private static List<String> keys(String prefix) {
    try (var objects = store.list(StoreLayout.MODELS, prefix)) {
      return objects.map(ObjectInfo::key).toList();
    }
  }

  @Test
  void mirrorsAModelAndNamesARunThatCannotBe() throws Exception {
    var repo =
        FakeRepo.model("flora/mirrored")
            .file("config.json", "{}")
            .noise(WEIGHTS, 40_000_000)
            .withTwins();
    hub.add(repo);
    hub.add(FakeRepo.dataset("flora/packed").noise("data/train.parquet", 50));
    near.add(FakeRepo.model("flora/near").file("config.json", "{\"n\": 1}"));
    near.add(FakeRepo.model("flora/probed").file("config.json", "{}"));
    try (var service = service()) {
      var run = ask(Requests.mirror("flora/mirrored"));
      var lost = ask(Requests.mirror("flora/none"));
      var packed = ask(Requests.mirror("datasets/flora/packed"));
      var named = ask(Requests.from("near", "flora/near"));
      var nobody = ask(Requests.from("nobody", "flora/near"));

      var completed = awaitEvent(run, FetchEvent.Completed.class);
      var reference = completed.snapshots().getFirst().manifest();
      var bytes = store.read(reference.bucket(), reference.key()).orElseThrow().bytes();
      var manifest = Json.read(bytes, RepoManifest.class);
      assertThat(manifest.files())
          .extracting(RepoManifest.Entry::path)
          .containsExactly("config.json", WEIGHTS);
      assertThat(manifest.file(WEIGHTS).orElseThrow().sha256()).hasToString(repo.sha256(WEIGHTS));
      assertThat(events(run, FetchEvent.FileVerified.class)).hasSize(2);
      var failed = awaitEvent(lost, FetchEvent.Failed.class);
      assertThat(failed.error().code()).isEqualTo(ErrorCode.REPO_NOT_FOUND);
      assertThat(failed.error().message()).contains("flora/none");
      var dataset = awaitEvent(packed, FetchEvent.Completed.class).snapshots().getFirst();
      assertThat(dataset.role()).isEqualTo(RepoRole.DATASET);
      assertThat(dataset.manifest().bucket()).isEqualTo(StoreLayout.DATASETS);
      assertThat(
              store.head(
                  StoreLayout.DATASETS,
                  StoreLayout.hubDatasetManifest(dataset.repo(), dataset.commit())))
          .isPresent();
      awaitEvent(named, FetchEvent.Completed.class);
      assertThat(events(named, FetchEvent.FileVerified.class))
          .singleElement()
          .matches(event -> event.source().equals("near"));
      assertThat(hub.seen()).noneMatch(seen -> seen.uri().getPath().contains("flora/near"));
      var unknown = awaitEvent(nobody, FetchEvent.Failed.class).error();
      assertThat(unknown.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
      assertThat(unknown.message()).contains("no mirror named nobody", "[near]");
      var mirrors = service.getBean(Mirrors.class);
      await().untilAsserted(() -> assertThat(mirrors.get("near").p95Ms()).isNotNull());
      assertThat(service.isRunning()).isTrue();
    }
  }

  @Test
  void aFetchThatWasKilledIsFinishedByAnother() throws Exception {
    var repo =
        FakeRepo.model("flora/killed").file("config.json", "{\"k\":1}").noise(WEIGHTS, 60_000_000);
    hub.add(repo).fault(WEIGHTS, new Fault.Slow(1_000_000), Integer.MAX_VALUE);
    var blob = StoreLayout.blob(new Sha256(repo.sha256(WEIGHTS)));
    var manifest = StoreLayout.modelManifest(new RepoId("flora/killed"), repo.commitOf("main"));
    RunId run;
    var command = new ArrayList<String>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(FetcherApplication.class.getName());
    command.addAll(settings());
    var first =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("first.log").toFile())
            .start();
    try {
      run = ask(Requests.mirror("flora/killed"));
      await()
          .atMost(Duration.ofSeconds(120))
          .until(() -> hub.seen().stream().anyMatch(FakeHub.Seen::onContent));
      Thread.sleep(2200);
    } finally {
      first.destroyForcibly().waitFor();
    }

    assertThat(keys(blob)).isEmpty();
    assertThat(keys(manifest)).isEmpty();
    hub.behave();
    try (var second = service()) {
      var completed = awaitEvent(run, FetchEvent.Completed.class);

      assertThat(completed.attempt()).isGreaterThan(1);
      assertThat(keys(blob)).containsExactly(blob, blob + ".verified");
      assertThat(keys(manifest)).containsExactly(manifest);
      assertThat(
              events(run, FetchEvent.FileVerified.class).stream()
                  .filter(event -> event.attempt() == completed.attempt()))
          .extracting(FetchEvent.FileVerified::path, FetchEvent.FileVerified::source)
          .containsExactlyInAnyOrder(
              org.assertj.core.groups.Tuple.tuple("config.json", "store"),
              org.assertj.core.groups.Tuple.tuple(WEIGHTS, "127.0.0.1"));
      assertThat(second.isRunning()).isTrue();
    }
  }
}
