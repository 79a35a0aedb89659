package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.schemas.Json;
import flora.standalone.Standalone;
import flora.standalone.client.GatewayClient;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * {@code flora fetch}, {@code flora run --dry-run} and models of one's own, as somebody types it,
 * against a server.
 */
class FetchCommandIT {

  @TempDir static Path data;
  @TempDir Path here;

  private static FakeHub hub;
  private static Standalone flora;

  private String out = "";
  private String err = "";

  @BeforeAll
  static void start() throws Exception {
    hub =
        FakeHub.start(0)
            .add(
                FakeRepo.model("some/model")
                    .file("config.json", "{}")
                    .file("tokenizer.json", "{\"a\": 1}")
                    .noise("model.safetensors", 3_000_000)
                    .noise("pytorch_model.bin", 3_000_000)
                    .noise("onnx/model.onnx", 100)
                    .formerly("old/model"))
            .add(FakeRepo.dataset("some/data").noise("data/train.parquet", 5_000).file("a.md", "a"))
            .add(
                FakeRepo.model("some/gated")
                    .gated("token")
                    .file("config.json", "{\"of\": \"gated\"}"));
    flora =
        Standalone.start(
            Map.of(
                "FLORA_DATA", data.toString(),
                "FLORA_PORT", "0",
                "FLORA_KAFKA_PORT", "0",
                "FLORA_S3_PORT", "0",
                "HF_ENDPOINT", hub.endpoint().toString()));
  }

  @AfterAll
  static void stop() {
    if (flora != null) {
      flora.close();
    }
    if (hub != null) {
      hub.close();
    }
  }

  private int flora(String... arguments) {
    var command = new ArrayList<>(List.of(arguments));
    command.addAll(List.of("--server", flora.gateway().toString()));
    var standardOut = System.out;
    var standardErr = System.err;
    var outBytes = new ByteArrayOutputStream();
    var errBytes = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
      return Main.commandLine().execute(command.toArray(String[]::new));
    } finally {
      System.setOut(standardOut);
      System.setErr(standardErr);
      out = outBytes.toString(StandardCharsets.UTF_8);
      err = errBytes.toString(StandardCharsets.UTF_8);
    }
  }

  private JsonNode lastLine() {
    return Json.mapper().readTree(out.lines().toList().getLast());
  }

  private static List<String> files(Path folder) throws Exception {
    try (var walk = Files.walk(folder)) {
      return walk.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void plansFetchesAndWritesARepository() throws Exception {
    hub.forget();
    assertThat(flora("fetch", "some/model", "--plan")).isZero();
    assertThat(out)
        .contains("to fetch", "model.safetensors")
        .doesNotContain("pytorch_model.bin", "onnx")
        .contains("in all 3 files");
    assertThat(hub.bytesSent(".safetensors")).isZero();

    assertThat(flora("fetch", "some/model", "--to", here.toString())).as(err).isZero();
    assertThat(out).contains("fetch  done", "3 of them new");
    assertThat(files(here)).containsExactly("config.json", "model.safetensors", "tokenizer.json");
    assertThat(here.resolve("model.safetensors")).hasSize(3_000_000);

    Files.delete(here.resolve("tokenizer.json"));
    hub.forget();
    assertThat(flora("fetch", "some/model", "--to", here.toString())).isZero();
    assertThat(out).contains("3 files").contains("1 of them new");
    assertThat(hub.bytesSent(".safetensors")).isZero();
    assertThat(flora("fetch", "some/model", "--plan")).isZero();
    assertThat(out).contains("present").doesNotContain("to fetch  ").contains(", 0 B to fetch");
  }

  private static final Path PARITY = Path.of("..", "models", "src", "test", "resources", "parity");

  private Path ownModelConfig(String baseModel) throws Exception {
    var pictures = Files.createDirectories(here.resolve("drawings"));
    for (var name : List.of("gray.png", "wide.png")) {
      Files.copy(PARITY.resolve("images").resolve(name), pictures.resolve(name));
    }
    return Files.writeString(
        here.resolve("run.yaml"),
        """
        base_model: %s
        train_data_dir: ./drawings
        output_dir: %s
        dataset: { label: { labeler: none, trigger_word: drawing } }
        resolution: 64
        batch_size: 1
        max_train_steps: 2
        """
            .formatted(baseModel, here.resolve("of-my-own")));
  }

  private static String baseModelOfTheLastRun() throws Exception {
    try (var client = new GatewayClient(flora.gateway(), null)) {
      var run = client.ask("GET", "/v1/runs?limit=1", null).at("/data/0");
      return run.at("/request/model/base_model").asString("");
    }
  }

  @Test
  void trainsOnAFolderOfThisMachineThatIsUploadedOnce() throws Exception {
    var model = here.resolve("My Model 1.5");
    try (var all = Files.walk(PARITY.resolve("models/tiny-sd"))) {
      for (var file : all.filter(Files::isRegularFile).toList()) {
        var to = model.resolve(PARITY.resolve("models/tiny-sd").relativize(file).toString());
        Files.createDirectories(to.getParent());
        Files.copy(file, to);
      }
    }
    hub.forget();
    var config = ownModelConfig("'" + model + "'");

    assertThat(flora("run", config.toString(), "--dry-run")).as(out + err).isNotZero();
    assertThat(err).contains("would be uploaded as my_model_1.5");
    assertThat(flora("run", config.toString())).as(out + err).isZero();
    assertThat(err).contains("model my_model_1.5:", "uploaded");
    assertThat(files(here.resolve("of-my-own"))).containsExactly("of-my-own.safetensors");
    assertThat(baseModelOfTheLastRun()).matches("my_model_1\\.5@[0-9a-f]{40}");
    assertThat(flora("run", config.toString())).as(out + err).isZero();
    assertThat(err).contains("is on the server already");
    assertThat(flora("run", config.toString(), "--dry-run")).as(out + err).isZero();
    assertThat(hub.bytesSent("")).isZero();
    assertThat(flora("models", "rm", "my_model_1.5")).as(err).isZero();
    assertThat(flora("models", "rm", "my_model_1.5")).isNotZero();
  }

  @Test
  void aModelOfOnesOwnIsPutAndListed() throws Exception {
    var header =
        "{\"model.diffusion_model.x\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}";
    var bytes =
        ByteBuffer.allocate(8 + header.length() + 9)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length())
            .put(header.getBytes(StandardCharsets.UTF_8))
            .array();
    var file = Files.write(here.resolve("Mine (v2).safetensors"), bytes);

    assertThat(flora("models", "put", file.toString())).as(err).isZero();
    assertThat(out).startsWith("mine_v2 ");
    assertThat(flora("models", "ls")).isZero();
    assertThat(out.lines().filter(line -> line.startsWith("mine_v2 ")).toList())
        .singleElement()
        .asString()
        .contains("main", "1 files", "pinned");
    var pickle = Files.write(here.resolve("mine.ckpt"), bytes);
    assertThat(flora("models", "put", pickle.toString())).isNotZero();
    assertThat(err).contains("pickle", "repository");
  }

  @Test
  void writesARenamedRepositoryUnderItsOldName() throws Exception {
    assertThat(
            flora("fetch", "old/model", "--include", "*.json", "--json", "--to", here.toString()))
        .as(err)
        .isZero();

    assertThat(lastLine().path("object").asString()).isEqualTo("local_copy");
    assertThat(lastLine().path("repo").asString()).isEqualTo("some/model");
    assertThat(lastLine().path("files").asInt()).isEqualTo(2);
    assertThat(out.lines()).allMatch(line -> line.startsWith("{"));
    assertThat(files(here)).containsExactly("config.json", "tokenizer.json");
  }

  @Test
  void writesADataset() throws Exception {
    assertThat(
            flora("fetch", "--dataset", "some/data", "--exclude", "*.md", "--to", here.toString()))
        .as(err)
        .isZero();

    assertThat(files(here)).containsExactly("data/train.parquet");
  }

  @Test
  void tellsWhatTheChoiceLeavesOut() {
    assertThat(flora("fetch", "some/model", "--exclude", "*.safetensors")).isZero();

    assertThat(out).contains("note: ", "model.safetensors").contains("is in the store, commit ");
  }

  @Test
  void saysInOneLineWhatIsWrong() throws Exception {
    assertThat(flora("fetch", "some/none", "--plan")).isEqualTo(Main.REFUSED);
    assertThat(err).contains("some/none").doesNotContain("Exception", "\tat ");

    assertThat(flora("fetch", "some/gated")).isEqualTo(Main.RUN_FAILED);
    assertThat(err).contains("REPO_GATED in fetch:").doesNotContain("\tat ");

    var file = Files.writeString(here.resolve("file"), "").toString();
    assertThat(flora("fetch", "some/model", "--to", file)).isEqualTo(Main.REFUSED);
    assertThat(err.strip().lines()).hasSize(1);
    assertThat(flora("fetch", "some/model", "--to", file + "/below")).isEqualTo(Main.REFUSED);
    assertThat(err.strip().lines()).hasSize(1);
    assertThat(flora("fetch", "some/model", "--plan", "--to", "x")).isEqualTo(Main.REFUSED);
    assertThat(flora("fetch", "no such repo")).isEqualTo(Main.REFUSED);
  }

  @Test
  void aDryRunOfAConfigTellsThePlanAndStartsNothing() throws Exception {
    var config = Files.writeString(here.resolve("run.yaml"), "{base_model: some/model}").toString();

    assertThat(flora("run", config, "--dry-run")).as(err).isZero();
    assertThat(out).contains("would fetch", "model.safetensors", "in all 3 files");
    assertThat(flora("run", config, "--dry-run", "--json")).isZero();
    assertThat(lastLine().at("/download_plan/files").asInt()).isEqualTo(3);

    Files.writeString(Path.of(config), "{base_model: some/none}");
    assertThat(flora("run", config, "--dry-run")).isEqualTo(Main.REFUSED);
    assertThat(out).contains("REPO_NOT_FOUND");
  }

  @Test
  void aConfigurationFileOfKohyaIsReadWithItsOwnWords() throws Exception {
    var config =
        Files.writeString(
                here.resolve("lora.toml"),
                """
                pretrained_model_name_or_path = "some/model"
                train_data_dir = "/nowhere/pictures"
                [network]
                network_dim = 12
                network_train_unet_only = true
                """)
            .toString();

    // what would train is told, though this hub lacks the model that labels
    assertThat(flora("run", config, "--dry-run", "--json", "--use_mirror", "false"))
        .isEqualTo(Main.REFUSED);
    assertThat(lastLine().at("/download_problem/code").asString()).isEqualTo("REPO_NOT_FOUND");
    assertThat(lastLine().at("/request/train/lora_rank").asInt()).isEqualTo(12);
    assertThat(lastLine().at("/request/train/lora_alpha").asDouble()).isEqualTo(1.0);
    assertThat(lastLine().at("/request/dataset/name").asString()).isEqualTo("pictures");
    assertThat(lastLine().at("/request/model/use_mirror").asString()).isEqualTo("false");
    assertThat(err).contains("train_data_dir /nowhere/pictures is no folder on this machine");

    Files.writeString(Path.of(config), "network_dmi = 4");
    assertThat(flora("run", config, "--dry-run")).isEqualTo(Main.REFUSED);
    assertThat(err).contains("network_dim");
    assertThat(flora("run", config, "--dry-run", "--dialect", "klingon")).isEqualTo(Main.REFUSED);
  }
}
