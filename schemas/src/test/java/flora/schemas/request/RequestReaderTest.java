package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Json;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.TrainingPlan.MixedPrecision;
import flora.schemas.request.TrainingPlan.StableDiffusionLora;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestReaderTest {

  static final String ARTICLE =
      """
      # my_lora_config.yaml
      train_data_dir: "./data/style_train"
      metadata_path: "./data/style_train/metadata.csv"
      base_model: "stable-diffusion-v1-5/stable-diffusion-v1-5"
      pretrained_vae: "stabilityai/sd-vae-ft-mse"
      tokenizer_name: "openai/clip-vit-large-patch14"
      r: 8
      lora_alpha: 16
      dropout: 0.05
      bias: "none"
      unet_target_modules: ["attn.down", "attn.up"]
      train_batch_size: 4
      epochs: 10
      learning_rate: 1e-4
      gradient_accumulation_steps: 2
      fp16: true
      output_dir: "./output/my_style_lora"
      save_steps: 500
      logging_dir: "./logs"
      use_mirror: true
      """;

  @Test
  void readsTheArticlesFlatFormAsPrinted() {
    var effective = yaml(ARTICLE);

    var request = effective.request();
    assertThat(request.name()).isEqualTo("my_style_lora");
    assertThat(request.model())
        .isEqualTo(
            new ModelSource(
                "stable-diffusion-v1-5/stable-diffusion-v1-5",
                "stabilityai/sd-vae-ft-mse",
                "openai/clip-vit-large-patch14",
                List.of(),
                List.of(),
                "true",
                ModelSource.Preset.NEEDED));
    assertThat(request.dataset().name()).isEqualTo("style_train");
    assertThat(request.dataset().label().labeler()).isEqualTo(Labeler.CLIP);
    assertThat(request.dataset().label().model()).isEqualTo("openai/clip-vit-large-patch14");
    var plan = (StableDiffusionLora) request.train();
    assertThat(plan.network().loraRank()).isEqualTo(8);
    assertThat(plan.network().loraAlpha()).isEqualTo(16.0);
    assertThat(plan.network().loraDropout()).isEqualTo(0.05);
    assertThat(plan.network().targetModules()).containsExactly("to_q", "to_k", "to_v", "to_out.0");
    assertThat(plan.optimizer().batchSize()).isEqualTo(4);
    assertThat(plan.optimizer().gradientAccumulationSteps()).isEqualTo(2);
    assertThat(plan.optimizer().epochs()).isEqualTo(10);
    assertThat(plan.optimizer().maxTrainSteps()).isNull();
    assertThat(plan.optimizer().learningRate()).isEqualTo(1e-4);
    assertThat(plan.compute().mixedPrecision()).isEqualTo(MixedPrecision.FP16);
    assertThat(plan.keep().saveSteps()).isEqualTo(500);
    assertThat(effective.warnings())
        .anyMatch(w -> w.startsWith("target_modules") && w.contains("to_out.0"))
        .anyMatch(w -> w.startsWith("mixed_precision") && w.contains("fp32"))
        .anyMatch(w -> w.startsWith("logging_dir"))
        .hasSize(3);
  }

  @Test
  void aWellKnownFileStandsForItsRepository() {
    var effective = yaml("base_model: ./models/Stable-diffusion/v1-5-pruned.safetensors");

    var model = effective.request().model();
    assertThat(model.baseModel()).isEqualTo("stable-diffusion-v1-5/stable-diffusion-v1-5");
    assertThat(model.allowPatterns()).containsExactly("v1-5-pruned.safetensors");
    assertThat(effective.warnings()).anyMatch(w -> w.contains("v1-5-pruned.safetensors"));
  }

  @Test
  void aWellKnownPickleStandsForItsTwinWhereItIsWorkedWith() {
    var path = "./models/Stable-diffusion/v1-5-pruned-emaonly.ckpt";
    var trained = yaml("{base_model: %s, train_data_dir: ./data/mine}".formatted(path));
    var mirrored = yaml("base_model: " + path);

    assertThat(trained.request().model().allowPatterns())
        .containsExactly("v1-5-pruned-emaonly.safetensors");
    assertThat(trained.warnings())
        .anyMatch(w -> w.contains(path) && w.contains("v1-5-pruned-emaonly.safetensors"));
    assertThat(mirrored.request().model().allowPatterns())
        .containsExactly("v1-5-pruned-emaonly.ckpt");
  }

  @Test
  void aDatasetRepositoryMayStandWhereOneIsOnlyMirrored() {
    var model =
        yaml("{base_model: datasets/owner/pictures@v1, preset: everything}").request().model();

    assertThat(model.baseModel()).isEqualTo("datasets/owner/pictures@v1");
    assertThat(model.preset()).isEqualTo(ModelSource.Preset.EVERYTHING);
    assertThatThrownBy(() -> yaml("{model: {base_model: datasets/a/b}, dataset: {name: d}}"))
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("dataset repository");
    assertThatThrownBy(() -> yaml("{base_model: datasets/../b}"))
        .isInstanceOf(RequestException.class);
  }

  @Test
  void theCanonicalFormOfTheArticleIsTheSameRequest() {
    var canonical =
        """
        name: my_style_lora
        model:
          base_model: stable-diffusion-v1-5/stable-diffusion-v1-5@main
          pretrained_vae: stabilityai/sd-vae-ft-mse
          tokenizer_name: openai/clip-vit-large-patch14
        dataset:
          name: style_train
        train:
          task: text-to-image
          lora_rank: 8
          lora_alpha: 16
          lora_dropout: 0.05
          batch_size: 4
          epochs: 10
          learning_rate: 1e-4
          gradient_accumulation_steps: 2
          mixed_precision: fp16
          save_steps: 500
        """;

    assertThat(yaml(canonical).request()).isEqualTo(yaml(ARTICLE).request());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ARTICLE_FOR_FIXED_POINT,
        "model: {base_model: gpt2}",
        "model: {base_model: a/b@v1.0, allow_patterns: ['*.json'], use_mirror: no}",
        "dataset: {name: pictures}",
        "dataset: {hub: Some-One/My.Pictures@refs/pr/1}",
        "dataset: {name: x, label: {labeler: none}}",
        "dataset: {name: x, label: {labels: [cat, no], threshold: 0, top_k: 1, trigger_word: sks}}",
        "dataset: {name: x, label: {labels: {what: [b, a], style: styles, made: [oil]}}}",
        "dataset: {name: x, check_only: true}",
        "dataset: {name: x, check_only: false, label: {token_limit: 77, num_beams: 1}}",
        "{model: {base_model: a/b}, dataset: {name: x}, train: {snr_gamma: 5, seed:"
            + " 9223372036854775807, lr_scheduler: cosine, lr_warmup_steps: 10, lora_alpha: 1}}"
      })
  void theEffectiveRequestReadAgainIsItself(String document) {
    var request = yaml(document).request();

    var written = Json.bytes(request);

    assertThat(RequestReader.read(written, ContentKind.JSON).request()).isEqualTo(request);
    assertThat(RequestReader.read(written, ContentKind.YAML).request()).isEqualTo(request);
    assertThat(Json.read(written, RunRequest.class)).isEqualTo(request);
  }

  private static final String ARTICLE_FOR_FIXED_POINT =
      "{train_data_dir: a/b, base_model: x/y, r: 4, target_modules: [q_proj, v_proj], fp16: true}";

  @Test
  void kindsOfLabelsKeepTheirOrderAndTheirBuiltInLists() {
    var label =
        yaml("dataset: {name: x, label: {labels: {what: [b, a, ' a'], style: styles, z: [q]}}}")
            .request()
            .dataset()
            .label();

    assertThat(label.kinds())
        .containsExactly(
            Map.entry("what", List.of("b", "a")),
            Map.entry("style", List.of("styles")),
            Map.entry("z", List.of("q")));
    var again = Json.read(Json.bytes(label), LabelOptions.class);
    assertThat(again.kinds().keySet()).containsExactly("what", "style", "z");
  }

  @Test
  void howCaptionsAreMadeCanBeSaidInFull() {
    var label =
        yaml("""
                dataset:
                  name: x
                  label:
                    labeler: blip+clip
                    model: a/clip
                    caption_model: a/blip
                    labels: [cat, dog]
                    mode: multi
                    templates: ["{}"]
                    threshold: 0.5
                    top_k: 2
                    trigger_word: sks
                    prefix: photo
                    suffix: end
                    blacklist: [blurry]
                    replace: {man: person}
                    token_limit: 50
                    prompt: a picture of
                    num_beams: 3
                    max_new_tokens: 20
                    min_new_tokens: 5
                    repetition_penalty: 1.5
                    no_repeat_ngram_size: 2
                    length_penalty: 0.5
                    early_stopping: never
                    precision: int8
                    target: zero-shot
                    animated: reject
                    sidecars: true
                """)
            .request()
            .dataset()
            .label();

    assertThat(label)
        .isEqualTo(
            new LabelOptions(
                LabelOptions.Labeler.BLIP_AND_CLIP,
                "a/clip",
                "a/blip",
                Map.of(LabelOptions.ONE_KIND, List.of("cat", "dog")),
                LabelOptions.Mode.MULTI,
                List.of("{}"),
                0.5,
                2,
                new CaptionRules(
                    "sks", "photo", "end", List.of("blurry"), Map.of("man", "person"), 50),
                new Generation(
                    "a picture of", 3, 20, 5, 1.5, 2, 0.5, Generation.EarlyStopping.NEVER),
                LabelOptions.Precision.INT8,
                LabelOptions.Target.ZERO_SHOT,
                LabelOptions.Animated.REJECT,
                true));
    assertThat(Json.read(Json.bytes(label), LabelOptions.class)).isEqualTo(label);
  }

  /** Requests stay in the store for as long as their runs. */
  @Test
  void aRequestThatWasFrozenBeforeThereWereSoManyKeysIsStillRead() {
    var frozen =
        """
        {"name":"x","model":null,"dataset":{"name":"x","hub":null,"label":{"labeler":"clip",
        "model":"openai/clip-vit-large-patch14","labels":["cat","dog"],"templates":["a photo of {}",
        "a picture of {}","a drawing of {}","{}"],"threshold":0.1,"top_k":3,"trigger_word":"sks"}},
        "train":null}
        """
            .getBytes(UTF_8);

    var request = Json.read(frozen, RunRequest.class);

    assertThat(request)
        .isEqualTo(
            yaml("dataset: {name: x, label: {labels: [cat, dog], trigger_word: sks}}").request())
        .isEqualTo(RequestReader.read(frozen, ContentKind.JSON).request());
  }

  @Test
  void noMeansNoAsThePrecisionAndFalseAsAFlag() {
    var plan = plan("mixed_precision: no\ncenter_crop: yes\nrandom_flip: off\n");

    assertThat(plan.compute().mixedPrecision()).isEqualTo(MixedPrecision.NO);
    assertThat(plan.pictures().centerCrop()).isTrue();
    assertThat(plan.pictures().randomFlip()).isFalse();
  }

  @Test
  void defaultsAreThoseOfTheTable() {
    var plan = plan("seed: 0\n");

    assertThat(plan)
        .isEqualTo(
            StableDiffusionLora.defaults()
                .with(NetworkPlan.of(8, 16, 0.1, List.of("to_q", "to_k", "to_v", "to_out.0")))
                .with(
                    OptimizerPlan.of(
                        1,
                        1,
                        OptimizerPlan.Length.ofSteps(1000),
                        OptimizerPlan.Rate.constant(2e-4),
                        new OptimizerPlan.AdamW(0.9, 0.999, 1e-8, 0.01, 1.0)))
                .with(ObjectivePlan.of(null))
                .with(PicturePlan.of(512, true, false))
                .with(ComputePlan.of(MixedPrecision.NO))
                .with(KeepPlan.of(100))
                .withSeed(0))
        .isEqualTo(StableDiffusionLora.defaults());
  }

  @Test
  void alphaFollowsTheRankWhenItIsNotWritten() {
    assertThat(plan("lora_rank: 32\n").network().loraAlpha()).isEqualTo(64.0);
    assertThat(plan("lora_rank: 32\nlora_alpha: 1\n").network().loraAlpha()).isEqualTo(1.0);
  }

  @Test
  void stepsWinOverEpochsAndSaySo() {
    var effective = yaml(FLAT + "epochs: 3\nmax_train_steps: 7\n");

    var plan = (StableDiffusionLora) effective.request().train();
    assertThat(plan.optimizer().maxTrainSteps()).isEqualTo(7);
    assertThat(plan.optimizer().epochs()).isNull();
    assertThat(effective.warnings()).anyMatch(w -> w.startsWith("epochs"));
  }

  @Test
  void projectionsOfATextModelMeanThoseOfTheUnet() {
    var effective = yaml(FLAT + "target_modules: q_proj, v_proj, to_q\n");

    assertThat(((StableDiffusionLora) effective.request().train()).network().targetModules())
        .containsExactly("to_q", "to_v");
    assertThat(effective.warnings()).singleElement().asString().contains("q_proj as to_q");
  }

  @Test
  void absentPartsStayAbsent() {
    var mirror = yaml("model: {base_model: gpt2}").request();
    assertThat(mirror.dataset()).isNull();
    assertThat(mirror.train()).isNull();
    assertThat(mirror.name()).isEqualTo("gpt2");

    var label = yaml("dataset: {name: pictures}").request();
    assertThat(label.model()).isNull();
    assertThat(label.train()).isNull();
    assertThat(label.name()).isEqualTo("pictures");

    var flat = yaml("base_model: a/B.c").request();
    assertThat(flat.train()).isNull();
    assertThat(flat.name()).isEqualTo("b.c");
  }

  @Test
  void anEmptyTrainPartTrainsWithTheDefaultsAndANullOneNotAtAll() {
    var parts = "{\"model\":{\"base_model\":\"a/b\"},\"dataset\":{\"name\":\"x\"},\"train\":";

    assertThat(json(parts + "{}}").request().train()).isNotNull();
    assertThat(json(parts + "null}").request().train()).isNull();
  }

  @Test
  void flatAndNestedKeysMixWhereTheyAgree() {
    var request =
        yaml(FLAT + "dataset: {name: style_train, label: {trigger_word: sks}}\ntrain: {r: 4}\n")
            .request();

    assertThat(request.dataset().label().rules().triggerWord()).isEqualTo("sks");
    assertThat(((StableDiffusionLora) request.train()).network().loraRank()).isEqualTo(4);
  }

  @Test
  void twoSpellingsThatAgreeAreOne() {
    assertThat(plan("lora_rank: 4\nr: 4\nmixed_precision: fp16\nfp16: true\n").network().loraRank())
        .isEqualTo(4);
  }

  @Test
  void aDroppedFolderNamesItsDataset() {
    assertThat(RequestReader.dropped("holiday").request())
        .isEqualTo(yaml("dataset: {name: holiday}").request());
    var effective =
        RequestReader.readDropped(
            "dataset: {label: {labels: [cat]}}".getBytes(UTF_8), ContentKind.YAML, "holiday");
    assertThat(effective.request().dataset().name()).isEqualTo("holiday");
    assertThat(effective.request().dataset().label().kinds())
        .containsExactly(Map.entry(LabelOptions.ONE_KIND, List.of("cat")));
    assertThat(
            RequestReader.readDropped(new byte[0], ContentKind.YAML, "holiday").request().dataset())
        .isEqualTo(RequestReader.dropped("holiday").request().dataset());
  }

  @Test
  void aFolderNamesADataset() {
    assertThat(RequestReader.datasetName("./data/style_train/")).isEqualTo("style_train");
    assertThat(RequestReader.datasetName("/home/me/style_train")).isEqualTo("style_train");
    assertThat(RequestReader.datasetName("data\\style_train")).isEqualTo("style_train");
  }

  static final String FLAT = "base_model: a/b\ntrain_data_dir: ./data/style_train\n";

  static StableDiffusionLora plan(String more) {
    return (StableDiffusionLora) yaml(FLAT + more).request().train();
  }

  static EffectiveRequest yaml(String document) {
    return RequestReader.read(document.getBytes(UTF_8), ContentKind.YAML);
  }

  static EffectiveRequest json(String document) {
    return RequestReader.read(document.getBytes(UTF_8), ContentKind.JSON);
  }
}
