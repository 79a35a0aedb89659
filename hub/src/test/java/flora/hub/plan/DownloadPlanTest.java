package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.schemas.ErrorCode;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ModelSource.Preset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class DownloadPlanTest {

  /** The listing of stable-diffusion-v1-5/stable-diffusion-v1-5. */
  private static final String SD15 =
      """
      .gitattributes README.md model_index.json v1-5-pruned-emaonly.ckpt
      v1-5-pruned-emaonly.safetensors v1-5-pruned.ckpt v1-5-pruned.safetensors v1-inference.yaml
      feature_extractor/preprocessor_config.json
      safety_checker/config.json safety_checker/model.fp16.safetensors
      safety_checker/model.safetensors safety_checker/pytorch_model.bin
      scheduler/scheduler_config.json
      text_encoder/config.json text_encoder/model.fp16.safetensors text_encoder/model.safetensors
      text_encoder/pytorch_model.bin text_encoder/pytorch_model.fp16.bin
      tokenizer/merges.txt tokenizer/special_tokens_map.json tokenizer/tokenizer_config.json
      tokenizer/vocab.json
      unet/config.json unet/diffusion_pytorch_model.bin unet/diffusion_pytorch_model.fp16.bin
      unet/diffusion_pytorch_model.fp16.safetensors
      unet/diffusion_pytorch_model.non_ema.safetensors unet/diffusion_pytorch_model.safetensors
      vae/config.json vae/diffusion_pytorch_model.bin vae/diffusion_pytorch_model.fp16.safetensors
      vae/diffusion_pytorch_model.safetensors
      """;

  private static final String MODEL_INDEX =
      """
      {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.6.0",
       "feature_extractor": ["transformers", "CLIPImageProcessor"],
       "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
       "image_encoder": [null, null], "requires_safety_checker": true,
       "scheduler": ["diffusers", "PNDMScheduler"],
       "text_encoder": ["transformers", "CLIPTextModel"],
       "tokenizer": ["transformers", "CLIPTokenizer"],
       "unet": ["diffusers", "UNet2DConditionModel"],
       "vae": ["diffusers", "AutoencoderKL"]}
      """;

  private static final String NEEDED_OF_SD15 =
      """
      model_index.json scheduler/scheduler_config.json text_encoder/config.json
      text_encoder/model.safetensors tokenizer/merges.txt tokenizer/special_tokens_map.json
      tokenizer/tokenizer_config.json tokenizer/vocab.json unet/config.json
      unet/diffusion_pytorch_model.safetensors vae/config.json
      vae/diffusion_pytorch_model.safetensors
      """;

  private final Map<String, String> documents =
      new HashMap<>(Map.of("model_index.json", MODEL_INDEX));

  private static List<String> words(String text) {
    return Arrays.stream(text.strip().split("\\s+")).sorted().toList();
  }

  private static RepoListing listing(String paths) {
    var files =
        words(paths).stream().map(path -> new HubFile(path, 10, "0".repeat(40), null)).toList();
    return new RepoListing(RepoType.MODEL, new RepoId("some/repo"), "main", "1".repeat(40), files);
  }

  private DownloadPlan plan(RepoRole role, String paths, Patterns patterns, boolean used)
      throws InterruptedException {
    return plan(role, paths, patterns, Preset.NEEDED, used);
  }

  private DownloadPlan plan(
      RepoRole role, String paths, Patterns patterns, Preset preset, boolean used)
      throws InterruptedException {
    return DownloadPlan.of(
        new WantedRepo(
            "field", role, RepoReference.parse("some/repo"), patterns, preset, "true", used),
        listing(paths),
        file -> new JsonMapper().readTree(documents.getOrDefault(file.path(), "{}")));
  }

  private List<String> needed(RepoRole role, String paths) throws InterruptedException {
    return plan(role, paths, Patterns.NONE, true).files().stream().map(HubFile::path).toList();
  }

  private static Patterns patterns(List<String> allow, List<String> ignore) {
    return new Patterns(allow, ignore);
  }

  @Test
  void takesOneWeightFileOfEachComponentThatStableDiffusionHas() throws Exception {
    var plan = plan(RepoRole.BASE_MODEL, SD15, Patterns.NONE, true);

    assertThat(plan.files())
        .extracting(HubFile::path)
        .containsExactlyElementsOf(words(NEEDED_OF_SD15));
    assertThat(plan.warnings()).isEmpty();
    assertThat(plan.bytes()).isEqualTo(120);
  }

  @Test
  void takesTheVaeOrTheTokenizerAloneFromAWholePipeline() throws Exception {
    assertThat(needed(RepoRole.VAE, SD15))
        .containsExactly(
            "model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors");
    assertThat(needed(RepoRole.TOKENIZER, SD15))
        .containsExactly(
            "model_index.json",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json");
  }

  @Test
  void takesARepositoryThatIsAVae() throws Exception {
    assertThat(
            needed(
                RepoRole.VAE,
                """
                .gitattributes README.md config.json diffusion_pytorch_model.bin
                diffusion_pytorch_model.safetensors
                """))
        .containsExactly("config.json", "diffusion_pytorch_model.safetensors");
  }

  @Test
  void takesOneFormatOfATransformersRepository() throws Exception {
    assertThat(
            needed(
                RepoRole.LABEL_MODEL,
                """
                .gitattributes README.md config.json flax_model.msgpack merges.txt
                model.safetensors preprocessor_config.json pytorch_model.bin
                special_tokens_map.json tf_model.h5 tokenizer.json tokenizer_config.json
                vocab.json onnx/model.onnx rust_model.ot trainer_state.json eval.json
                """))
        .containsExactly(
            "config.json",
            "merges.txt",
            "model.safetensors",
            "preprocessor_config.json",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.json");
  }

  @Test
  void takesAllShardsThatTheIndexNames() throws Exception {
    documents.put(
        "model.safetensors.index.json",
        """
        {"weight_map": {"a": "model-00001-of-00002.safetensors",
         "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}
        """);
    var shards =
        """
        config.json model.safetensors.index.json model-00001-of-00002.safetensors
        pytorch_model-00001-of-00002.bin pytorch_model.bin.index.json tokenizer.model
        """;

    assertThat(needed(RepoRole.BASE_MODEL, shards + " model-00002-of-00002.safetensors"))
        .containsExactly(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.model");
    assertThatThrownBy(() -> needed(RepoRole.BASE_MODEL, shards))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("model-00002-of-00002.safetensors");
  }

  @Test
  void takesAVariantWhenThereIsNothingElseAndSaysSo() throws Exception {
    var plan =
        plan(
            RepoRole.VAE,
            "config.json diffusion_pytorch_model.fp16.safetensors diffusion_pytorch_model.bin",
            Patterns.NONE,
            true);

    assertThat(plan.files())
        .extracting(HubFile::path)
        .containsExactly("config.json", "diffusion_pytorch_model.fp16.safetensors");
    assertThat(plan.warnings()).singleElement().asString().contains("fp16");
  }

  private static List<String> pickles(DownloadPlan plan) {
    return plan.pickles().stream().map(HubFile::path).toList();
  }

  @Test
  void takesAPickleToConvertWhereAComponentHasNothingElse() throws Exception {
    var paths =
        SD15.replace(" text_encoder/model.safetensors", "")
            .replace(" text_encoder/model.fp16.safetensors", "");

    var plan = plan(RepoRole.BASE_MODEL, paths, Patterns.NONE, true);

    assertThat(pickles(plan)).containsExactly("text_encoder/pytorch_model.bin");
    assertThat(plan.files())
        .extracting(HubFile::path)
        .contains("text_encoder/pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors")
        .doesNotContain("unet/diffusion_pytorch_model.bin");
    assertThat(plan.warnings())
        .singleElement()
        .asString()
        .contains("converted to safetensors: text_encoder/pytorch_model.bin");
  }

  @Test
  void takesNoPickleBesideATwinInSafetensors() throws Exception {
    assertThat(pickles(plan(RepoRole.BASE_MODEL, SD15, Patterns.NONE, true))).isEmpty();
  }

  @Test
  void aPickleIsNoWayAroundAPatternThatKeepsItsTwinOut() {
    var paths = "config.json tokenizer.json model.safetensors pytorch_model.bin";
    var withoutSafetensors = patterns(List.of(), List.of("*.safetensors"));

    assertThatThrownBy(() -> plan(RepoRole.BASE_MODEL, paths, withoutSafetensors, true))
        .isInstanceOf(PlanException.FilteredOut.class)
        .hasMessageContaining("model.safetensors");
  }

  @Test
  void takesAllShardsOfPicklesWithTheirIndex() throws Exception {
    documents.put(
        "pytorch_model.bin.index.json",
        """
        {"weight_map": {"a": "pytorch_model-00001-of-00002.bin",
         "b": "pytorch_model-00002-of-00002.bin"}}
        """);
    var shards =
        "config.json tokenizer.json pytorch_model.bin.index.json training_args.bin"
            + " pytorch_model-00001-of-00002.bin";

    var plan =
        plan(
            RepoRole.BASE_MODEL, shards + " pytorch_model-00002-of-00002.bin", Patterns.NONE, true);
    assertThat(pickles(plan))
        .containsExactly(
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model-00002-of-00002.bin",
            "pytorch_model.bin.index.json");
    assertThat(plan.files()).extracting(HubFile::path).doesNotContain("training_args.bin");
    assertThatThrownBy(() -> plan(RepoRole.BASE_MODEL, shards, Patterns.NONE, true))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("pytorch_model-00002-of-00002.bin");
  }

  @Test
  void takesAVariantOfPicklesWhenThereIsNothingElse() throws Exception {
    var plan =
        plan(RepoRole.VAE, "config.json diffusion_pytorch_model.fp16.bin", Patterns.NONE, true);

    assertThat(pickles(plan)).containsExactly("diffusion_pytorch_model.fp16.bin");
  }

  @Test
  void convertsPicklesForAMirrorUnlessItsFilesAreNamed() throws Exception {
    var paths =
        "config.json merges.txt vocab.json pytorch_model.bin flax_model.msgpack tf_model.h5";

    var plan = plan(RepoRole.BASE_MODEL, paths, Patterns.NONE, false);
    assertThat(plan.files())
        .extracting(HubFile::path)
        .containsExactly("config.json", "merges.txt", "pytorch_model.bin", "vocab.json");
    assertThat(pickles(plan)).containsExactly("pytorch_model.bin");

    var named =
        plan(RepoRole.BASE_MODEL, paths, patterns(List.of("*.bin", "*.json"), List.of()), false);
    assertThat(named.files()).extracting(HubFile::path).contains("pytorch_model.bin");
    assertThat(pickles(named)).isEmpty();
  }

  @Test
  void followsAllowPatternsToTheLetter() throws Exception {
    var plan =
        plan(
            RepoRole.BASE_MODEL,
            SD15,
            patterns(
                List.of("*.json", "*.txt", "*.safetensors"), List.of("v1-5*", "safety_checker/")),
            true);

    assertThat(plan.files())
        .extracting(HubFile::path)
        .contains("feature_extractor/preprocessor_config.json")
        .contains("unet/diffusion_pytorch_model.non_ema.safetensors")
        .doesNotContain("v1-5-pruned.safetensors", "README.md", "safety_checker/config.json")
        .containsAll(words(NEEDED_OF_SD15));
  }

  @Test
  void takesWhatIsNeededLessWhatIsIgnored() throws Exception {
    assertThat(
            plan(
                    RepoRole.BASE_MODEL,
                    SD15,
                    patterns(
                        List.of(), List.of("*.bin", "unet/diffusion_pytorch_model.safetensors")),
                    true)
                .files())
        .extracting(HubFile::path)
        .contains("unet/diffusion_pytorch_model.fp16.safetensors")
        .doesNotContain("unet/diffusion_pytorch_model.safetensors");
  }

  @Test
  void namesTheNeededFilesThatPatternsKeepOut() throws Exception {
    var noUnet = patterns(List.of(), List.of("unet/*"));

    assertThatThrownBy(() -> plan(RepoRole.BASE_MODEL, SD15, noUnet, true))
        .isInstanceOfSatisfying(
            PlanException.FilteredOut.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.FILE_FILTERED_OUT))
        .hasMessageContaining("unet/config.json")
        .hasMessageContaining("unet/diffusion_pytorch_model.safetensors");
    var mirrored = plan(RepoRole.BASE_MODEL, SD15, noUnet, false);
    assertThat(mirrored.warnings()).singleElement().asString().contains("unet/config.json");
    assertThat(mirrored.files()).hasSize(10);
    assertThatThrownBy(
            () ->
                plan(
                    RepoRole.BASE_MODEL, SD15, patterns(List.of("*.safetensors"), List.of()), true))
        .isInstanceOf(PlanException.FilteredOut.class)
        .hasMessageContaining("model_index.json");
    assertThatThrownBy(
            () -> plan(RepoRole.BASE_MODEL, SD15, patterns(List.of("nothing"), List.of()), false))
        .isInstanceOf(PlanException.FilteredOut.class);
  }

  @Test
  void refusesALayoutThatItDoesNotKnowUnlessItIsOnlyMirrored() throws Exception {
    var odd = "weights.safetensors weights.ckpt notes.md sub/other.gguf";

    assertThatThrownBy(() -> needed(RepoRole.BASE_MODEL, odd))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("model_index.json or config.json");
    assertThat(plan(RepoRole.BASE_MODEL, odd, Patterns.NONE, false).files())
        .extracting(HubFile::path)
        .containsExactly("notes.md", "sub/other.gguf", "weights.safetensors");
  }

  @Test
  void takesPicturesAndCaptionsOfADataset() throws Exception {
    assertThat(
            needed(
                RepoRole.DATASET,
                ".gitattributes README.md a.PNG b/c.jpeg b/c.txt b/metadata.csv metadata.jsonl x.zip"))
        .containsExactlyInAnyOrder(
            "a.PNG", "b/c.jpeg", "b/c.txt", "b/metadata.csv", "metadata.jsonl");
    assertThatThrownBy(() -> needed(RepoRole.DATASET, "README.md data/train.parquet"))
        .isInstanceOf(PlanException.PackedImages.class)
        .hasMessageContaining("data/train.parquet");
    assertThatThrownBy(() -> needed(RepoRole.DATASET, "README.md notes.txt"))
        .isInstanceOfSatisfying(
            PlanException.NoImages.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.DATASET_EMPTY));
  }

  @Test
  void namesTheComponentThatLacksItsConfiguration() {
    assertThatThrownBy(() -> needed(RepoRole.BASE_MODEL, SD15.replace("unet/config.json", "")))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("unet/config.json");
    assertThatThrownBy(() -> needed(RepoRole.BASE_MODEL, SD15.replace("tokenizer/vocab.json", "")))
        .isInstanceOf(PlanException.Incomplete.class)
        .hasMessageContaining("tokenizer");
  }

  @Test
  void takesTheHalfPrecisionOfEachComponentThatHasIt() throws Exception {
    var halfOfSd15 =
        NEEDED_OF_SD15
            .replace("/model.safetensors", "/model.fp16.safetensors")
            .replace(
                "/diffusion_pytorch_model.safetensors",
                "/diffusion_pytorch_model.fp16.safetensors");
    var plan = plan(RepoRole.BASE_MODEL, SD15, Patterns.NONE, Preset.DIFFUSERS_FP16, true);

    assertThat(paths(plan)).containsExactlyElementsOf(words(halfOfSd15));
    assertThat(plan.warnings()).isEmpty();

    var mixed = SD15.replace("vae/diffusion_pytorch_model.fp16.safetensors", "");
    plan = plan(RepoRole.BASE_MODEL, mixed, Patterns.NONE, Preset.DIFFUSERS_FP16, true);
    assertThat(paths(plan))
        .contains(
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "vae/diffusion_pytorch_model.safetensors")
        .doesNotContain("unet/diffusion_pytorch_model.safetensors");
    assertThat(plan.warnings()).singleElement().asString().contains("vae", "fp16");
  }

  @Test
  void takesTheShardsOfAVariantUnderBothNamesThatItsIndexHas() throws Exception {
    for (var index :
        List.of("model.safetensors.index.fp16.json", "model.safetensors.fp16.index.json")) {
      documents.put(index, "{\"weight_map\": {\"a\": \"model.fp16-00001-of-00001.safetensors\"}}");
      var files = "config.json model.safetensors model.fp16-00001-of-00001.safetensors " + index;
      var plan = plan(RepoRole.BASE_MODEL, files, Patterns.NONE, Preset.DIFFUSERS_FP16, false);

      assertThat(paths(plan))
          .containsExactly("config.json", "model.fp16-00001-of-00001.safetensors", index);
    }
  }

  @Test
  void takesNoPickleWhereOnlySafetensorsAreWanted() throws Exception {
    var opt = "config.json merges.txt vocab.json pytorch_model.bin";

    assertThatThrownBy(
            () -> plan(RepoRole.BASE_MODEL, opt, Patterns.NONE, Preset.SAFETENSORS_ONLY, true))
        .isInstanceOf(PlanException.PickleLeftOut.class)
        .hasMessageContaining("pytorch_model.bin");
    var mirrored = plan(RepoRole.BASE_MODEL, opt, Patterns.NONE, Preset.SAFETENSORS_ONLY, false);
    assertThat(paths(mirrored)).containsExactly("config.json", "merges.txt", "vocab.json");
    assertThat(mirrored.pickles()).isEmpty();
    assertThat(mirrored.warnings()).singleElement().asString().contains("pytorch_model.bin");
    var odd =
        plan(
            RepoRole.BASE_MODEL,
            "a.ckpt b.PT c.gguf",
            Patterns.NONE,
            Preset.SAFETENSORS_ONLY,
            false);
    assertThat(paths(odd)).containsExactly("c.gguf");
    assertThat(paths(plan(RepoRole.BASE_MODEL, SD15, Patterns.NONE, Preset.SAFETENSORS_ONLY, true)))
        .containsExactlyElementsOf(words(NEEDED_OF_SD15));
  }

  @Test
  void takesEverythingAsItIsLessWhatIsIgnored() throws Exception {
    var plan =
        plan(
            RepoRole.BASE_MODEL,
            SD15,
            patterns(List.of(), List.of("*.ckpt")),
            Preset.EVERYTHING,
            false);

    var rest = words(SD15).stream().filter(path -> !path.endsWith(".ckpt")).toList();
    assertThat(paths(plan)).containsExactlyInAnyOrderElementsOf(rest);
    var opt = "config.json merges.txt vocab.json pytorch_model.bin";
    var mirrored = plan(RepoRole.BASE_MODEL, opt, Patterns.NONE, Preset.EVERYTHING, false);
    assertThat(mirrored.pickles()).isEmpty();
    assertThat(paths(mirrored)).contains("pytorch_model.bin");
    assertThatThrownBy(
            () ->
                plan(
                    RepoRole.BASE_MODEL,
                    SD15,
                    patterns(List.of(), List.of("unet/*")),
                    Preset.EVERYTHING,
                    true))
        .isInstanceOf(PlanException.FilteredOut.class)
        .hasMessageContaining("unet/config.json");
  }

  @Test
  void letsAllowPatternsWinOverThePreset() throws Exception {
    var wish = patterns(List.of("vae/*.bin", "*.json"), List.of());

    for (var preset : Preset.values()) {
      var plan = plan(RepoRole.BASE_MODEL, SD15, wish, preset, false);
      assertThat(paths(plan)).contains("vae/diffusion_pytorch_model.bin", "unet/config.json");
      assertThat(paths(plan)).noneMatch(path -> path.endsWith(".safetensors"));
    }
  }

  @Test
  void copiesAWholeDatasetThatNoStageWorksWith() throws Exception {
    var files = ".gitattributes README.md data/train.parquet x.zip";

    assertThat(paths(plan(RepoRole.DATASET, files, Patterns.NONE, false)))
        .containsExactlyInAnyOrderElementsOf(words(files));
    assertThat(paths(plan(RepoRole.DATASET, files, patterns(List.of("data/"), List.of()), false)))
        .containsExactly("data/train.parquet");
  }

  private static List<String> paths(DownloadPlan plan) {
    return plan.files().stream().map(HubFile::path).toList();
  }
}
