package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.hub.HubClient;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RetryPolicy;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlannerTest {

  private final FakeHub hub = FakeHub.start(0);
  private final RetryPolicy policy =
      new RetryPolicy(3, Duration.ofMillis(1), Duration.ofSeconds(1));
  private final HubClient client =
      new HubClient(HubSettings.of(hub.endpoint()), policy, Clock.systemUTC());
  private final List<String> asked = new ArrayList<>();
  private final Planner planner =
      new Planner(
          (type, repo, revision, useMirror) -> {
            asked.add(repo + "@" + revision + " " + useMirror);
            return client.copies(client.listing(type, repo, revision));
          },
          policy);

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  private static RunRequest request(String yaml) {
    return RequestReader.read(yaml.getBytes(StandardCharsets.UTF_8), ContentKind.YAML).request();
  }

  private List<PlannedDownload> plan(String yaml) throws InterruptedException {
    return planner.plan(request(yaml), () -> {});
  }

  private static List<String> paths(PlannedDownload planned) {
    return planned.plan().files().stream().map(HubFile::path).toList();
  }

  private void offerShards() {
    hub.add(
        FakeRepo.model("some/shards")
            .file("config.json", "{}")
            .file(
                "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"model-00001-of-00001.safetensors\"}}")
            .noise("model-00001-of-00001.safetensors", 20));
  }

  @Test
  void plansEveryRepositoryThatARequestNamesInItsOrder() throws Exception {
    offerShards();
    hub.add(
        FakeRepo.model("some/vae")
            .file("config.json", "{}")
            .noise("diffusion_pytorch_model.safetensors", 20)
            .noise("diffusion_pytorch_model.fp16.safetensors", 10));
    hub.add(FakeRepo.model("some/words").file("tokenizer.json", "{}").noise("x.safetensors", 9));

    var plans =
        plan(
            "{base_model: some/shards, pretrained_vae: some/vae, tokenizer_name: some/words,"
                + " preset: diffusers-fp16, ignore_patterns: ['tokenizer.json'], use_mirror: near}");

    assertThat(plans)
        .extracting(p -> p.plan().role())
        .containsExactly(RepoRole.BASE_MODEL, RepoRole.VAE, RepoRole.TOKENIZER);
    assertThat(asked)
        .containsExactly("some/shards@main near", "some/vae@main near", "some/words@main near");
    assertThat(paths(plans.get(0))).contains("model-00001-of-00001.safetensors");
    assertThat(plans.get(0).plan().warnings()).singleElement().asString().contains("fp16");
    assertThat(paths(plans.get(1)))
        .containsExactly("config.json", "diffusion_pytorch_model.fp16.safetensors");
    assertThat(paths(plans.get(2))).containsExactly("tokenizer.json");
  }

  private static byte[] tensors(String name) {
    var header =
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}".formatted(name);
    return ByteBuffer.allocate(8 + header.length() + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length())
        .put(header.getBytes(StandardCharsets.UTF_8))
        .array();
  }

  private static final String TRAINED =
      ", train_data_dir: ./data/mine, dataset: {label: {labeler: none}}}";

  @Test
  void takesTheOneFileThatHoldsAWholeModel() throws Exception {
    var model = tensors("model.diffusion_model.input_blocks.0.0.weight");
    hub.add(
        FakeRepo.model("some/single")
            .file("mine.safetensors", model)
            .noise("mine.ckpt", 30)
            .noise("sub/other.safetensors", 30)
            .file("README.md", "a"));

    assertThat(paths(plan("{base_model: some/single" + TRAINED).getFirst()))
        .containsExactly("mine.safetensors");
    assertThat(paths(plan("{base_model: some/single}").getFirst()))
        .containsExactly("mine.safetensors");
  }

  @Test
  void takesTheFileThatPatternsChooseAmongSeveralAndBesideAPipeline() throws Exception {
    var model = tensors("model.diffusion_model.input_blocks.0.0.weight");
    hub.add(
        FakeRepo.model("some/several")
            .file("model_index.json", "{\"unet\": [\"diffusers\", \"UNet2DConditionModel\"]}")
            .file("unet/config.json", "{}")
            .noise("unet/diffusion_pytorch_model.safetensors", 30)
            .file("one.safetensors", model)
            .file("two.safetensors", tensors("something.else")));

    var chosen = "{base_model: some/several, allow_patterns: ['%s']" + TRAINED;
    assertThat(paths(plan(chosen.formatted("one.safetensors")).getFirst()))
        .containsExactly("one.safetensors");
    assertThatThrownBy(() -> plan(chosen.formatted("two.safetensors")))
        .isInstanceOf(PlanException.FilteredOut.class);
  }

  @Test
  void saysHowToChooseAmongSeveralModels() {
    var model = tensors("model.diffusion_model.input_blocks.0.0.weight");
    hub.add(
        FakeRepo.model("some/two")
            .file("one.safetensors", model)
            .file("two.safetensors", model)
            .file("README.md", "a"));

    assertThatThrownBy(() -> plan("{base_model: some/two" + TRAINED))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("allow_patterns choose one of one.safetensors, two.safetensors");
  }

  @Test
  void convertsTheOnlyCheckpointThatThereIs() throws Exception {
    hub.add(FakeRepo.model("some/pickle").noise("mine.ckpt", 30).file("README.md", "a"));

    var plan = plan("{base_model: some/pickle" + TRAINED).getFirst().plan();

    assertThat(plan.pickles()).extracting(HubFile::path).containsExactly("mine.ckpt");
    assertThatThrownBy(() -> plan("{base_model: some/pickle, preset: safetensors-only" + TRAINED))
        .isInstanceOf(PlanException.PickleLeftOut.class);
  }

  @Test
  void mirrorsADatasetRepositoryByThePatterns() throws Exception {
    hub.add(
        FakeRepo.dataset("some/packed")
            .noise("data/train.parquet", 50)
            .noise("data/test.parquet", 50)
            .file("README.md", "a"));

    var all = plan("{base_model: datasets/some/packed}").getFirst();
    var some = plan("{base_model: datasets/some/packed, allow_patterns: ['*train*']}").getFirst();

    assertThat(all.plan().role()).isEqualTo(RepoRole.DATASET);
    assertThat(paths(all)).containsExactly("README.md", "data/test.parquet", "data/train.parquet");
    assertThat(paths(some)).containsExactly("data/train.parquet");
  }

  @Test
  void readsADocumentAgainWhereItComesBroken() throws Exception {
    offerShards();
    hub.fault("index.json", new Fault.Cut(5), 1);

    assertThat(paths(plan("{base_model: some/shards}").getFirst()))
        .contains("model-00001-of-00001.safetensors");
  }

  @Test
  void letsNobodyChooseFilesByADocumentThatIsNotTheListedOne() {
    offerShards();
    hub.fault("index.json", new Fault.WrongByte(3), Integer.MAX_VALUE);

    assertThatThrownBy(() -> plan("{base_model: some/shards}"))
        .isInstanceOf(HubException.OtherFile.class)
        .hasMessageContaining("model.safetensors.index.json");
  }

  @Test
  void stopsBetweenTwoRepositories() {
    offerShards();

    assertThatThrownBy(
            () ->
                planner.plan(
                    request("{base_model: some/shards, pretrained_vae: some/vae}"),
                    () -> {
                      if (!asked.isEmpty()) {
                        throw new IllegalStateException("stop");
                      }
                    }))
        .hasMessage("stop");
    assertThat(asked).hasSize(1);
  }
}
