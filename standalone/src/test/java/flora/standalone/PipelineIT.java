package flora.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import flora.schemas.store.StoreLayout;
import flora.standalone.client.GatewayClient;
import flora.store.LocalFiles;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import flora.tensors.SafetensorsFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The whole chain in one process: hub, Kafka and store are real, the models are tiny. */
class PipelineIT {

  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir static Path data;
  @TempDir Path here;

  private static FakeHub hub;
  private static Standalone flora;
  private static GatewayClient client;

  @BeforeAll
  static void start() throws Exception {
    hub = TinyHub.start();
    flora =
        Standalone.start(
            Map.of(
                "FLORA_DATA", data.toString(),
                "FLORA_PORT", "0",
                "FLORA_KAFKA_PORT", "0",
                "FLORA_S3_PORT", "0",
                "HF_ENDPOINT", hub.endpoint().toString()));
    client = new GatewayClient(flora.gateway(), null);
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
    }
    if (flora != null) {
      flora.close();
    }
    if (hub != null) {
      hub.close();
    }
  }

  @Test
  void picturesBecomeAnAdapter() throws Exception {
    upload("pets", "rgb_square.png", "wide.png", "photo.jpg", "palette.png");
    put("pets", "broken.png", "not a picture".getBytes(StandardCharsets.UTF_8));

    var id = submit(TinyHub.config("pets-lora", "pets", 6, 3));
    var run = await(id);

    assertThat(run.status()).as(() -> String.valueOf(run.error())).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(run.stages().values())
        .extracting(StageState::status)
        .containsOnly(StageState.Status.SUCCEEDED);
    assertThat(run.stages().get(Stage.TRAIN).done()).isEqualTo(6);
    assertThat(run.checkpoints()).extracting(Run.SavedCheckpoint::step).contains(3L, 6L);
    assertThat(run.artifacts())
        .extracting(Run.RunArtifact::name)
        .contains(
            "adapter/kohya/pets-lora.safetensors",
            "adapter/diffusers/pytorch_lora_weights.safetensors",
            "adapter/peft/unet/adapter_model.safetensors",
            "adapter/peft/unet/adapter_config.json");
    assertThat(captions("pets"))
        .hasSize(4)
        .allSatisfy(text -> assertThat(text).startsWith("zebra"));
    for (var artifact : run.artifacts()) {
      var file = here.resolve(artifact.name());
      client.download(artifact.url(), file);
      assertThat(sha256(file)).as(artifact.name()).isEqualTo(artifact.sha256());
      if (artifact.name().endsWith(".safetensors")) {
        try (var tensors = SafetensorsFile.open(file)) {
          assertThat(tensors.tensors()).isNotEmpty();
        }
      }
    }
  }

  @Test
  void aPlainConsumerSeesTheTrainingWithCloudEventsHeaders() throws Exception {
    upload("seen", "rgb_square.png");
    var id = submit(TinyHub.config("seen-lora", "seen", 2, 1));
    await(id);

    var events = read(Topics.TRAINING_EVENTS, id);

    assertThat(events)
        .extracting(r -> Json.read(r.value().getBytes(StandardCharsets.UTF_8), JsonNode.class))
        .extracting(json -> json.path("type").asString())
        .containsSubsequence("started", "checkpoint_saved", "adapter_exported", "completed");
    var first = events.getFirst();
    assertThat(header(first, "ce_specversion")).isEqualTo("1.0");
    assertThat(header(first, "ce_id")).isEqualTo(id + "/train/1/1");
    assertThat(header(first, "ce_type")).isEqualTo("io.flora.train.started.v1");
    assertThat(header(first, "ce_source")).isEqualTo("/flora/trainer");
    assertThat(Instant.parse(header(first, "ce_time"))).isBefore(Instant.now());
    assertThat(header(first, "content-type")).isEqualTo("application/json");
    var record = read(Topics.RUNS, id).getLast();
    assertThat(Json.read(record.value().getBytes(StandardCharsets.UTF_8), Run.class).status())
        .isEqualTo(Run.Status.SUCCEEDED);
  }

  @Test
  void aDroppedFolderIsLabelledByItsOwnRequest() throws Exception {
    try (var s3 =
        new S3ObjectStore(
            flora.s3(), "flora", new Secret("flora-secret"), "us-east-1", LocalFiles.none())) {
      for (var name : List.of("rgb_square.png", "gray.png")) {
        s3.upload(
            StoreLayout.DATASETS,
            StoreLayout.incoming("dropped") + name,
            TinyHub.PARITY.resolve("images").resolve(name),
            "image/png");
      }
      s3.put(
          StoreLayout.DATASETS,
          StoreLayout.incoming("dropped") + "flora.yaml",
          "dataset: { label: { model: %s, labels: [cat, dog] } }"
              .formatted(TinyHub.CLIP)
              .getBytes(StandardCharsets.UTF_8),
          "application/yaml");
    }

    var run =
        Awaitility.await()
            .atMost(LONG)
            .pollInterval(Duration.ofMillis(300))
            .until(
                () ->
                    client.runs(50).stream()
                        .filter(r -> r.request() != null && r.request().dataset() != null)
                        .filter(r -> r.request().dataset().name().equals("dropped"))
                        .filter(r -> r.status().isTerminal())
                        .toList(),
                found -> !found.isEmpty());

    assertThat(run).hasSize(1);
    assertThat(run.getFirst().status()).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(captions("dropped"))
        .hasSize(2)
        .allMatch(t -> t.contains("cat") || t.contains("dog"));
  }

  @Test
  void aMissingModelIsToldWithinSeconds() throws Exception {
    var before = Instant.now();

    var run = await(submit("name: nothing\nmodel: { base_model: nobody/nothing }\n"));

    assertThat(run.status()).isEqualTo(Run.Status.FAILED);
    assertThat(run.error().code()).isEqualTo(ErrorCode.REPO_NOT_FOUND);
    assertThat(run.error().stage()).isEqualTo(Stage.FETCH);
    assertThat(Duration.between(before, Instant.now())).isLessThan(Duration.ofSeconds(15));
  }

  @Test
  void theRequestIsRefusedWithTheFieldThatIsWrong() {
    assertThatThrownBy(() -> submit("name: x\nmodel: { base_modle: a/b }\n"))
        .isInstanceOf(GatewayClient.Refused.class)
        .hasMessageContaining("base_modle")
        .hasMessageContaining("base_model");
  }

  @Test
  void aShortRunDoesNotWaitForALongOne() throws Exception {
    upload("long", "rgb_square.png", "wide.png");
    var slow = submit(TinyHub.config("long-lora", "long", 2000, 2000));
    awaitStatus(slow, Run.Status.TRAINING);
    upload("short", "gray.png");

    var quick =
        await(
            submit(
                "name: short\ndataset: { name: short, label: { model: %s, labels: [cat, dog] } }"
                    .formatted(TinyHub.CLIP)));

    assertThat(quick.status()).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(client.run(slow).status()).isEqualTo(Run.Status.TRAINING);
    client.cancel(slow);
    assertThat(await(slow).status()).isEqualTo(Run.Status.CANCELLED);
  }

  @Test
  void aPausedTrainingWaitsAndGoesOnWhenItIsResumed() throws Exception {
    upload("waiting", "rgb_square.png", "wide.png");
    var run = submit(TinyHub.config("waiting-lora", "waiting", 2000, 5));
    Awaitility.await().atMost(LONG).until(() -> !client.run(run).checkpoints().isEmpty());

    client.pause(run);
    awaitStatus(run, Run.Status.PAUSED);
    var before = client.run(run).stages().get(Stage.TRAIN).attempt();
    client.resume(run);
    // the first step that the next attempt tells of is one after the checkpoint
    var train =
        Awaitility.await()
            .atMost(LONG)
            .pollInterval(Duration.ofMillis(10))
            .until(
                () -> client.run(run).stages().get(Stage.TRAIN),
                stage -> stage.attempt() > before && stage.done() > 0);

    assertThat(train.attempt()).isEqualTo(before + 1);
    assertThat(train.done()).isGreaterThanOrEqualTo(5);
    client.cancel(run);
    assertThat(await(run).status()).isEqualTo(Run.Status.CANCELLED);
  }

  @Test
  void aSecondInstanceOnTheSameFolderIsRefused() {
    assertThatThrownBy(
            () ->
                Standalone.start(
                    Map.of(
                        "FLORA_DATA", data.toString(),
                        "FLORA_PORT", "0",
                        "FLORA_KAFKA_PORT", "0",
                        "FLORA_S3_PORT", "0")))
        .isInstanceOf(flora.embedded.FolderInUseException.class)
        .hasMessageContaining(data.getFileName().toString());
  }

  private static void upload(String dataset, String... images) throws Exception {
    for (var image : images) {
      client.putImage(dataset, image, TinyHub.PARITY.resolve("images").resolve(image));
    }
  }

  private void put(String dataset, String name, byte[] bytes) throws Exception {
    client.putImage(dataset, name, Files.write(here.resolve(name), bytes));
  }

  private static RunId submit(String yaml) throws InterruptedException {
    return client.submit(yaml.getBytes(StandardCharsets.UTF_8), "application/yaml").id();
  }

  private static Run await(RunId id) {
    return Awaitility.await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> client.run(id), run -> run.status().isTerminal());
  }

  private static void awaitStatus(RunId id, Run.Status status) {
    Awaitility.await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> client.run(id).status() == status);
  }

  private static List<String> captions(String dataset) throws Exception {
    return MetadataCsv.read(new String(client.metadataCsv(dataset), StandardCharsets.UTF_8))
        .stream()
        .map(row -> row.text())
        .toList();
  }

  private static List<ConsumerRecord<String, String>> read(String topic, RunId id) {
    var found = new ArrayList<ConsumerRecord<String, String>>();
    try (var consumer =
        new KafkaConsumer<>(
            Map.<String, Object>of(
                "bootstrap.servers",
                flora.kafka(),
                "group.id",
                "reader-of-" + topic + id,
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest"),
            new StringDeserializer(),
            new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                consumer.poll(Duration.ofMillis(500)).forEach(r -> addIfOf(id, r, found));
                return found.stream().anyMatch(r -> isLast(r.value()));
              });
    }
    return found;
  }

  private static void addIfOf(
      RunId id, ConsumerRecord<String, String> record, List<ConsumerRecord<String, String>> to) {
    if (id.value().equals(record.key())) {
      to.add(record);
    }
  }

  private static boolean isLast(String value) {
    return value.contains("\"type\":\"completed\"")
        || value.contains("\"status\":\"succeeded\",\"stalled\"");
  }

  private static String header(ConsumerRecord<String, String> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  private static Sha256 sha256(Path file) throws Exception {
    return Sha256.of(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }
}
