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

/** The presets on repositories as they are published: what is in them besides what is needed. */
class RepoShapesTest {

  private final Map<String, String> documents = new HashMap<>();

  private static List<String> words(String text) {
    return Arrays.stream(text.strip().split("\\s+")).sorted().toList();
  }

  private DownloadPlan plan(RepoRole role, String paths, Preset preset, boolean used)
      throws InterruptedException {
    return plan(role, paths, Patterns.NONE, preset, used);
  }

  private DownloadPlan plan(
      RepoRole role, String paths, Patterns patterns, Preset preset, boolean used)
      throws InterruptedException {
    var type = role == RepoRole.DATASET ? RepoType.DATASET : RepoType.MODEL;
    var files =
        words(paths).stream().map(path -> new HubFile(path, 10, "0".repeat(40), null)).toList();
    return DownloadPlan.of(
        new WantedRepo(
            "field", role, RepoReference.parse("some/repo"), patterns, preset, "true", used),
        new RepoListing(type, new RepoId("some/repo"), "main", "1".repeat(40), files),
        file -> new JsonMapper().readTree(documents.getOrDefault(file.path(), "{}")));
  }

  private List<String> mirrored(String paths, Preset preset) throws InterruptedException {
    return paths(plan(RepoRole.BASE_MODEL, paths, preset, false));
  }

  private static List<String> paths(DownloadPlan plan) {
    return plan.files().stream().map(HubFile::path).toList();
  }

  /** An index whose tensors lie in so many shards. */
  private void index(String path, String base, String format, int shards) {
    var map = new StringBuilder();
    for (int i = 1; i <= shards; i++) {
      map.append(i == 1 ? "" : ", ")
          .append("\"t%d\": \"%s-%05d-of-%05d.%s\"".formatted(i, base, i, shards, format));
    }
    documents.put(path, "{\"metadata\": {}, \"weight_map\": {" + map + "}}");
  }

  private static String shards(String base, String format, int shards) {
    var paths = new StringBuilder();
    for (int i = 1; i <= shards; i++) {
      paths.append(" %s-%05d-of-%05d.%s".formatted(base, i, shards, format));
    }
    return paths.toString();
  }

  // ---------------------------------------------------------------- pipelines

  /** stabilityai/stable-diffusion-xl-base-1.0. */
  private static final String SDXL =
      """
      .gitattributes 01.png LICENSE.md README.md comparison.png model_index.json pipeline.png
      sd_xl_base_1.0.safetensors sd_xl_base_1.0_0.9vae.safetensors
      sd_xl_offset_example-lora_1.0.safetensors scheduler/scheduler_config.json
      text_encoder/config.json text_encoder/flax_model.msgpack
      text_encoder/model.fp16.safetensors text_encoder/model.onnx text_encoder/model.safetensors
      text_encoder/openvino_model.bin text_encoder/openvino_model.xml
      text_encoder_2/config.json text_encoder_2/flax_model.msgpack
      text_encoder_2/model.fp16.safetensors text_encoder_2/model.onnx
      text_encoder_2/model.onnx_data text_encoder_2/model.safetensors
      text_encoder_2/openvino_model.bin text_encoder_2/openvino_model.xml
      tokenizer/merges.txt tokenizer/special_tokens_map.json tokenizer/tokenizer_config.json
      tokenizer/vocab.json tokenizer_2/merges.txt tokenizer_2/special_tokens_map.json
      tokenizer_2/tokenizer_config.json tokenizer_2/vocab.json
      unet/config.json unet/diffusion_flax_model.msgpack
      unet/diffusion_pytorch_model.fp16.safetensors unet/diffusion_pytorch_model.safetensors
      unet/model.onnx unet/model.onnx_data unet/openvino_model.bin unet/openvino_model.xml
      vae/config.json vae/diffusion_flax_model.msgpack
      vae/diffusion_pytorch_model.fp16.safetensors vae/diffusion_pytorch_model.safetensors
      vae_1_0/config.json vae_1_0/diffusion_pytorch_model.fp16.safetensors
      vae_1_0/diffusion_pytorch_model.safetensors
      vae_decoder/config.json vae_decoder/model.onnx vae_decoder/openvino_model.bin
      vae_encoder/config.json vae_encoder/model.onnx vae_encoder/openvino_model.xml
      """;

  private static final String SDXL_INDEX =
      """
      {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": true,
       "add_watermarker": null,
       "scheduler": ["diffusers", "EulerDiscreteScheduler"],
       "text_encoder": ["transformers", "CLIPTextModel"],
       "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
       "tokenizer": ["transformers", "CLIPTokenizer"],
       "tokenizer_2": ["transformers", "CLIPTokenizer"],
       "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
      """;

  private static final String NEEDED_OF_SDXL =
      """
      model_index.json scheduler/scheduler_config.json text_encoder/config.json
      text_encoder/model.safetensors text_encoder_2/config.json text_encoder_2/model.safetensors
      tokenizer/merges.txt tokenizer/special_tokens_map.json tokenizer/tokenizer_config.json
      tokenizer/vocab.json tokenizer_2/merges.txt tokenizer_2/special_tokens_map.json
      tokenizer_2/tokenizer_config.json tokenizer_2/vocab.json unet/config.json
      unet/diffusion_pytorch_model.safetensors vae/config.json
      vae/diffusion_pytorch_model.safetensors
      """;

  @Test
  void takesOneFormatAmongTheFourFrameworksOfSdxl() throws Exception {
    documents.put("model_index.json", SDXL_INDEX);

    assertThat(mirrored(SDXL, Preset.NEEDED)).containsExactlyElementsOf(words(NEEDED_OF_SDXL));
    assertThat(mirrored(SDXL, Preset.SAFETENSORS_ONLY))
        .containsExactlyElementsOf(words(NEEDED_OF_SDXL));
    assertThat(mirrored(SDXL, Preset.DIFFUSERS_FP16))
        .containsExactlyElementsOf(
            words(
                NEEDED_OF_SDXL
                    .replace("model.safetensors", "model.fp16.safetensors")
                    .replace("fp16.fp16", "fp16")));
    assertThat(mirrored(SDXL, Preset.EVERYTHING)).containsExactlyElementsOf(words(SDXL));
  }

  @Test
  void takesTheShardsInTheFoldersOfAPipeline() throws Exception {
    documents.put(
        "model_index.json",
        """
        {"_class_name": "FluxPipeline",
         "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
         "text_encoder_2": ["transformers", "T5EncoderModel"],
         "tokenizer_2": ["transformers", "T5TokenizerFast"],
         "transformer": ["diffusers", "FluxTransformer2DModel"]}
        """);
    index(
        "transformer/diffusion_pytorch_model.safetensors.index.json",
        "diffusion_pytorch_model",
        "safetensors",
        3);
    index("text_encoder_2/model.safetensors.index.json", "model", "safetensors", 2);
    var needed =
        """
        model_index.json scheduler/scheduler_config.json text_encoder_2/config.json
        text_encoder_2/model.safetensors.index.json tokenizer_2/special_tokens_map.json
        tokenizer_2/spiece.model tokenizer_2/tokenizer.json tokenizer_2/tokenizer_config.json
        transformer/config.json transformer/diffusion_pytorch_model.safetensors.index.json
        """
            + shards("text_encoder_2/model", "safetensors", 2)
            + shards("transformer/diffusion_pytorch_model", "safetensors", 3);

    assertThat(
            mirrored(
                needed + " .gitattributes README.md ae.safetensors dev_grid.jpg flux1.safetensors",
                Preset.NEEDED))
        .containsExactlyElementsOf(words(needed));
  }

  // ---------------------------------------------------------------- transformers

  @Test
  void takesTheShardsOfALanguageModelAndNoneOfItsOriginals() throws Exception {
    index("model.safetensors.index.json", "model", "safetensors", 4);
    index("pytorch_model.bin.index.json", "pytorch_model", "bin", 4);
    var needed =
        "config.json generation_config.json model.safetensors.index.json special_tokens_map.json"
            + " tokenizer.json tokenizer_config.json"
            + shards("model", "safetensors", 4);
    var rest =
        " .gitattributes LICENSE README.md USE_POLICY.md original/consolidated.00.pth"
            + " original/params.json original/tokenizer.model pytorch_model.bin.index.json"
            + shards("pytorch_model", "bin", 4);

    for (var preset : List.of(Preset.NEEDED, Preset.SAFETENSORS_ONLY)) {
      var plan = plan(RepoRole.BASE_MODEL, needed + rest, preset, true);
      assertThat(paths(plan)).containsExactlyElementsOf(words(needed));
      assertThat(plan.warnings()).isEmpty();
    }
    assertThat(mirrored(needed + rest, Preset.EVERYTHING))
        .containsExactlyElementsOf(words(needed + rest));
  }

  @Test
  void prefersTheNamesOfTransformersToTheMakersOwnCheckpoint() throws Exception {
    index("model.safetensors.index.json", "model", "safetensors", 3);
    var needed =
        "config.json generation_config.json model.safetensors.index.json special_tokens_map.json"
            + " tokenizer.json tokenizer.model tokenizer_config.json"
            + shards("model", "safetensors", 3);

    assertThat(
            mirrored(
                needed
                    + " .gitattributes README.md consolidated.safetensors params.json"
                    + " tokenizer.model.v3",
                Preset.NEEDED))
        .containsExactlyElementsOf(words(needed));
  }

  @Test
  void namesSomeOfManyFilesThatPatternsKeepOut() {
    index("model.safetensors.index.json", "model", "safetensors", 163);
    var files =
        "config.json tokenizer.json model.safetensors.index.json"
            + shards("model", "safetensors", 163);

    assertThatThrownBy(
            () ->
                plan(
                    RepoRole.BASE_MODEL,
                    files,
                    new Patterns(List.of(), List.of("model-*")),
                    Preset.NEEDED,
                    true))
        .isInstanceOf(PlanException.FilteredOut.class)
        .hasMessageContaining("model-00001-of-00163.safetensors")
        .hasMessageEndingWith("and 151 more");
  }

  @Test
  void convertsTheShardedPicklesOfARepositoryWithoutSafetensors() throws Exception {
    index("pytorch_model.bin.index.json", "pytorch_model", "bin", 2);
    var needed =
        "config.json generation_config.json merges.txt pytorch_model.bin.index.json"
            + " special_tokens_map.json tokenizer_config.json vocab.json"
            + shards("pytorch_model", "bin", 2);
    var opt =
        needed
            + " .gitattributes LICENSE.md README.md flax_model.msgpack.index.json"
            + " tf_model.h5.index.json"
            + shards("flax_model", "msgpack", 2)
            + shards("tf_model", "h5", 2);

    var plan = plan(RepoRole.BASE_MODEL, opt, Preset.NEEDED, true);

    assertThat(paths(plan)).containsExactlyElementsOf(words(needed));
    assertThat(plan.pickles()).hasSize(3);
    assertThatThrownBy(() -> plan(RepoRole.BASE_MODEL, opt, Preset.SAFETENSORS_ONLY, true))
        .isInstanceOf(PlanException.PickleLeftOut.class);
    var everything = plan(RepoRole.BASE_MODEL, opt, Preset.EVERYTHING, false);
    assertThat(paths(everything)).containsExactlyElementsOf(words(opt));
    assertThat(everything.pickles()).isEmpty();
  }

  @Test
  void takesOneOfTheFrameworksOfAClip() throws Exception {
    var needed =
        "config.json merges.txt model.safetensors preprocessor_config.json special_tokens_map.json"
            + " tokenizer.json tokenizer_config.json vocab.json";
    var clip =
        needed + " .gitattributes README.md flax_model.msgpack pytorch_model.bin tf_model.h5";

    assertThat(paths(plan(RepoRole.LABEL_MODEL, clip, Preset.NEEDED, true)))
        .containsExactlyElementsOf(words(needed));
    var laion = clip + " open_clip_config.json open_clip_pytorch_model.bin open_clip.safetensors";
    assertThat(paths(plan(RepoRole.LABEL_MODEL, laion, Preset.NEEDED, true)))
        .containsExactlyElementsOf(words(needed));
  }

  @Test
  void takesAnAdapter() throws Exception {
    assertThat(
            mirrored(
                ".gitattributes README.md adapter_config.json adapter_model.safetensors"
                    + " adapter_model.bin checkpoint-500/adapter_model.safetensors"
                    + " checkpoint-500/optimizer.pt training_args.bin",
                Preset.NEEDED))
        .containsExactly("adapter_config.json", "adapter_model.safetensors");
  }

  // ---------------------------------------------------------------- weights that no stage reads

  private static final String GGUF =
      ".gitattributes LICENSE.txt Notice README.md USE_POLICY.md llama-2-7b.Q2_K.gguf"
          + " llama-2-7b.Q4_K_M.gguf llama-2-7b.Q8_0.gguf";

  @Test
  void mirrorsAllOfARepositoryOfGgufFilesUnlessOneIsNamed() throws Exception {
    for (var files : List.of(GGUF, GGUF + " config.json")) {
      for (var preset : List.of(Preset.NEEDED, Preset.SAFETENSORS_ONLY, Preset.EVERYTHING)) {
        var plan = plan(RepoRole.BASE_MODEL, files, preset, false);
        assertThat(paths(plan)).as("%s", preset).containsExactlyElementsOf(words(files));
        assertThat(plan.warnings()).anyMatch(w -> w.contains("allow_patterns"));
      }
      var one =
          plan(
              RepoRole.BASE_MODEL,
              files,
              new Patterns(List.of("*Q4_K_M.gguf"), List.of()),
              Preset.NEEDED,
              false);
      assertThat(paths(one)).containsExactly("llama-2-7b.Q4_K_M.gguf");
      assertThat(one.warnings()).noneMatch(w -> w.contains("all files"));
    }
  }

  @Test
  void saysThatGgufFilesCannotBeWorkedWith() {
    assertThatThrownBy(() -> plan(RepoRole.BASE_MODEL, GGUF + " config.json", Preset.NEEDED, true))
        .isInstanceOfSatisfying(
            PlanException.Incomplete.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.MODEL_UNSUPPORTED))
        .hasMessageContaining(".gguf");
  }

  @Test
  void mirrorsAllOfARepositoryThatHasOnlyExports() throws Exception {
    var onnx =
        ".gitattributes README.md config.json onnx/model.onnx onnx/model_quantized.onnx"
            + " special_tokens_map.json tokenizer.json tokenizer_config.json";

    var plan = plan(RepoRole.BASE_MODEL, onnx, Preset.NEEDED, false);

    assertThat(paths(plan)).containsExactlyElementsOf(words(onnx));
    assertThat(plan.warnings()).anyMatch(w -> w.contains(".onnx"));
  }

  @Test
  void mirrorsAllOfARepositoryWithSeveralWeightsOfItsOwnNames() throws Exception {
    assertThat(
            mirrored(
                "config.json README.md one.safetensors one.fp16.safetensors one.ckpt",
                Preset.NEEDED))
        .containsExactly("README.md", "config.json", "one.fp16.safetensors", "one.safetensors");
    assertThat(mirrored("config.json one.safetensors one.ckpt", Preset.NEEDED))
        .containsExactly("config.json", "one.safetensors");
  }

  // ---------------------------------------------------------------- data sets

  @Test
  void takesADatasetOfParquetFilesWholeOrByPattern() throws Exception {
    var dataset =
        ".gitattributes README.md dataset_infos.json data/test-00000-of-00001.parquet"
            + " data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet";

    for (var preset : Preset.values()) {
      assertThat(paths(plan(RepoRole.DATASET, dataset, preset, false)))
          .as("%s", preset)
          .containsExactlyElementsOf(words(dataset));
    }
    assertThat(
            paths(
                plan(
                    RepoRole.DATASET,
                    dataset,
                    new Patterns(List.of("data/train-*"), List.of()),
                    Preset.NEEDED,
                    false)))
        .hasSize(2);
    assertThatThrownBy(() -> plan(RepoRole.DATASET, dataset, Preset.NEEDED, true))
        .isInstanceOf(PlanException.PackedImages.class);
  }
}
