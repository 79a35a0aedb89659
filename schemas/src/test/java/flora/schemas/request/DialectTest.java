package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.request.TrainingPlan.LrScheduler;
import flora.schemas.request.TrainingPlan.MixedPrecision;
import flora.schemas.request.TrainingPlan.StableDiffusionLora;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests as people have them for sd-scripts and for diffusers. */
class DialectTest {

  private static final List<String> TRANSFORMER =
      List.of(
          "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out");

  /** How kohya draws. */
  private static final PreviewPlan DDIM =
      new PreviewPlan(List.of(), null, "ddim", 7.5, 20, null, false);

  @Test
  void readsAConfigurationFileOfKohya() {
    var effective = kohya(text("kohya.toml"));

    var request = effective.request();
    assertThat(request.name()).isEqualTo("my_style");
    assertThat(request.model().baseModel())
        .isEqualTo("stable-diffusion-v1-5/stable-diffusion-v1-5");
    assertThat(request.dataset().name()).isEqualTo("style_train");
    assertThat(request.train())
        .isEqualTo(
            StableDiffusionLora.defaults()
                .with(NetworkPlan.of(16, 8, 0.05, TRANSFORMER))
                .with(
                    OptimizerPlan.of(
                        2,
                        2,
                        OptimizerPlan.Length.ofSteps(1600),
                        new OptimizerPlan.Rate(1e-4, LrScheduler.COSINE, 80),
                        new OptimizerPlan.AdamW(0.9, 0.99, 1e-7, 0.1, 1.0)))
                .with(ObjectivePlan.of(5.0))
                .with(PicturePlan.of(512, false, true))
                .with(ComputePlan.of(MixedPrecision.FP16))
                .with(KeepPlan.of(200))
                .with(DDIM)
                .withSeed(42));
    assertThat(effective.warnings())
        .anyMatch(w -> w.startsWith("xformers: "))
        .anyMatch(w -> w.startsWith("log_with: the run keeps its logs"))
        .noneMatch(w -> w.startsWith("network_module"));
  }

  @Test
  void readsTheArgumentsOfDiffusers() {
    var effective = diffusers(text("diffusers.yaml"));

    var request = effective.request();
    assertThat(request.name()).isEqualTo("sd-naruto-model");
    assertThat(request.dataset().hub()).isEqualTo("lambdalabs/naruto-blip-captions");
    assertThat(request.train())
        .isEqualTo(
            StableDiffusionLora.defaults()
                .with(NetworkPlan.of(8, 8, 0, List.of("to_q", "to_k", "to_v", "to_out.0")))
                .with(
                    OptimizerPlan.of(
                        1,
                        4,
                        OptimizerPlan.Length.ofSteps(15_000),
                        new OptimizerPlan.Rate(1e-4, LrScheduler.COSINE, 0),
                        new OptimizerPlan.AdamW(0.9, 0.98, 1e-8, 0.02, 1.0)))
                .with(ObjectivePlan.of(5.0))
                .with(PicturePlan.of(512, true, true))
                .with(ComputePlan.of(MixedPrecision.NO))
                .with(KeepPlan.of(250))
                .withSeed(1337));
    assertThat(effective.warnings()).anyMatch(w -> w.startsWith("dataloader_num_workers: "));
  }

  @Test
  void whatIsReadIsOursAndReadAgainIsItself() {
    for (var request :
        List.of(kohya(text("kohya.toml")).request(), diffusers(text("diffusers.yaml")).request())) {
      assertThat(RequestReader.read(Json.bytes(request), ContentKind.JSON).request())
          .isEqualTo(request);
    }
  }

  @Test
  void whereNothingIsSaidKohyasDefaultsHold() {
    var plan = plan(kohya(KOHYA));

    assertThat(plan)
        .isEqualTo(
            StableDiffusionLora.defaults()
                .with(NetworkPlan.of(4, 1, 0, TRANSFORMER))
                .with(
                    OptimizerPlan.of(
                        1,
                        1,
                        OptimizerPlan.Length.ofSteps(1600),
                        OptimizerPlan.Rate.constant(2e-6),
                        OptimizerPlan.AdamW.DEFAULT))
                .with(PicturePlan.of(512, true, false))
                .with(DDIM));
  }

  @Test
  void whereNothingIsSaidDiffusersDefaultsHold() {
    var plan = plan(diffusers(DIFFUSERS));

    assertThat(plan)
        .isEqualTo(
            StableDiffusionLora.defaults()
                .with(NetworkPlan.of(4, 4, 0, List.of("to_q", "to_k", "to_v", "to_out.0")))
                .with(
                    OptimizerPlan.of(
                        16,
                        1,
                        OptimizerPlan.Length.ofEpochs(100),
                        OptimizerPlan.Rate.constant(1e-4),
                        OptimizerPlan.AdamW.DEFAULT))
                .with(PicturePlan.of(512, false, false))
                .with(KeepPlan.of(500)));
    assertThat(plan(diffusers(DIFFUSERS + "lr_scheduler: cosine\n")).optimizer().lrWarmupSteps())
        .isEqualTo(500);
  }

  /** Their script trains the text encoder unless it is told not to, at the rate of all. */
  @Test
  void kohyaTrainsTheTextEncoderUnasked() {
    var both = KOHYA.replace("network_train_unet_only = true", "");

    var plan = plan(kohya(both + "text_encoder_lr = [5e-5]\n"));

    assertThat(plan.network())
        .isEqualTo(
            new NetworkPlan(
                4,
                1,
                0,
                TRANSFORMER,
                false,
                null,
                null,
                true,
                true,
                List.of("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
                null));
    assertThat(plan.optimizer().textEncoderLr()).isEqualTo(5e-5);
    assertThat(plan(kohya(both + "learning_rate = 1e-3\nunet_lr = 1e-4\n")).optimizer())
        .extracting(OptimizerPlan::learningRate, OptimizerPlan::textEncoderLr)
        .containsExactly(1e-4, 1e-3);
    assertThat(plan(kohya(both + "unet_lr = 1e-4\n")).optimizer().textEncoderLr()).isEqualTo(2e-6);
    var alone = plan(kohya(both + "network_train_text_encoder_only = true\n"));
    assertThat(alone.network().trainUnet()).isFalse();
    assertThat(alone.network().trainTextEncoder()).isTrue();
  }

  @Test
  void whatKohyaBeginsWithMayBeOfARun() {
    var run = "run_01J00000000000000000000000";

    assertThat(plan(kohya(KOHYA + "network_weights = \"" + run + "\"\n")).network().initAdapter())
        .isEqualTo(run);
  }

  @Test
  void whatHasNoEffectInKohyasFileIsSaidAndDropped() {
    var effective = kohya(KOHYA + "text_encoder_lr = 5e-5\nhuber_c = 0.3\n");

    assertThat(plan(effective)).isEqualTo(plan(kohya(KOHYA)));
    assertThat(effective.warnings())
        .anyMatch(w -> w.startsWith("text_encoder_lr: no effect without train_text_encoder"))
        .anyMatch(w -> w.startsWith("huber_c: no effect without loss_type"));
  }

  @Test
  void diffusersAverageIsOneOfOurs() {
    var plan = plan(diffusers(DIFFUSERS + "use_ema: true\ntrain_text_encoder: true\n"));

    assertThat(plan.optimizer().emaDecay()).isEqualTo(0.9999);
    assertThat(plan.network().trainTextEncoder()).isTrue();
    assertThat(plan(diffusers(DIFFUSERS + "use_ema: false\n")))
        .isEqualTo(plan(diffusers(DIFFUSERS)));
  }

  @Test
  void inKohyasFileEpochsWinAndTheRateOfTheUnetDoes() {
    var plan =
        plan(
            kohya(
                KOHYA
                    + "max_train_steps = 5\nmax_train_epochs = 7\nunet_lr = 3e-4\n"
                    + "learning_rate = 1e-3\n"));

    assertThat(plan.optimizer().epochs()).isEqualTo(7);
    assertThat(plan.optimizer().maxTrainSteps()).isNull();
    assertThat(plan.optimizer().learningRate()).isEqualTo(3e-4);
    assertThat(plan(kohya(KOHYA + "learning_rate = 1e-3\n")).optimizer().learningRate())
        .isEqualTo(1e-3);
  }

  @Test
  void aDatasetOfOneSubsetSaysTheSameAsItsKeysAtTheTop() {
    var tables =
        """
        pretrained_model_name_or_path = "a/b"
        network_train_unet_only = true
        [general]
        shuffle_caption = false
        caption_extension = ".txt"
        [[datasets]]
        resolution = 256
        batch_size = 4
        [[datasets.subsets]]
        image_dir = "C:/pictures/x"
        num_repeats = 1
        flip_aug = true
        """
            .replace("C:/pictures/x", "pictures/x");

    var request = kohya(tables).request();

    assertThat(request.dataset().name()).isEqualTo("x");
    var plan = (StableDiffusionLora) request.train();
    assertThat(plan.pictures()).isEqualTo(PicturePlan.of(256, true, true));
    assertThat(plan.optimizer().batchSize()).isEqualTo(4);
    var e = refusedKohya(tables + "[[datasets.subsets]]\nimage_dir = \"y\"\n");
    assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET);
    assertThat(e.pointer()).isEqualTo("/datasets/0/subsets");
  }

  @Test
  void readsWhatKohyasFilesSayOfConvolutionsBucketsAndCaptions() {
    var more =
        """
        network_args = ["conv_dim=4"]
        enable_bucket = true
        bucket_reso_steps = 32
        shuffle_caption = true
        keep_tokens = 1
        save_precision = "fp16"
        """;

    var plan = (StableDiffusionLora) kohya(KOHYA + more).request().train();

    assertThat(plan.network().convRank()).isEqualTo(4);
    assertThat(plan.network().convAlpha()).isEqualTo(1.0);
    assertThat(plan.pictures().enableBucket()).isTrue();
    assertThat(plan.pictures().bucketResoSteps()).isEqualTo(32);
    assertThat(plan.captions().shuffleCaption()).isTrue();
    assertThat(plan.captions().keepTokens()).isEqualTo(1);
    assertThat(plan.keep().savePrecision()).isEqualTo(KeepPlan.SavePrecision.FP16);
  }

  @Test
  void readsWhatKohyasFilesSayOfRateAndLoss() {
    var more =
        """
        lr_scheduler = "polynomial"
        lr_scheduler_num_cycles = 3
        lr_scheduler_power = 2
        v_parameterization = true
        zero_terminal_snr = true
        noise_offset = 0.05
        loss_type = "smooth_l1"
        huber_schedule = "exponential"
        huber_c = 0.2
        min_timestep = 100
        max_timestep = 900
        """;

    var effective = kohya(KOHYA + more);

    var plan = plan(effective);
    assertThat(plan.objective())
        .isEqualTo(
            new ObjectivePlan(
                null,
                ObjectivePlan.PredictionType.VELOCITY,
                0.05,
                ObjectivePlan.LossType.SMOOTH_L1,
                0.2,
                ObjectivePlan.HuberSchedule.EXPONENTIAL,
                100,
                900,
                true));
    assertThat(plan.optimizer().lrScheduler()).isEqualTo(LrScheduler.POLYNOMIAL);
    assertThat(plan.optimizer().lrPower()).isEqualTo(2);
    assertThat(plan.optimizer().lrNumCycles()).isEqualTo(1);
    assertThat(effective.warnings()).anyMatch(w -> w.startsWith("lr_num_cycles: no effect"));
    assertThat(
            plan(diffusers(DIFFUSERS + "lr_scheduler: cosine_with_restarts\nlr_num_cycles: 3\n"))
                .optimizer()
                .lrNumCycles())
        .isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "network_args = [\"algo=loha\"]|/network_args|NOT_SUPPORTED_YET",
        "network_args = [\"conv_dim\"]|/network_args|REQUEST_INVALID",
        "optimizer_args = [\"betas=0.9\"]|/optimizer_args|REQUEST_INVALID",
        "network_module = \"lycoris.kohya\"|/network_module|NOT_SUPPORTED_YET",
        "log_with = \"wandb\"|/log_with|NOT_SUPPORTED_YET",
        "optimizer_type = \"Prodigy\"|/optimizer_type|NOT_SUPPORTED_YET",
        "network_train_text_encoder_only = true|/network_train_text_encoder_only|REQUEST_INVALID",
        "v_parameterization = 1|/v_parameterization|REQUEST_INVALID",
        "max_token_length = 77|/max_token_length|REQUEST_INVALID",
        "network_weights = \"a.safetensors\"|/network_weights|REQUEST_INVALID",
        "text_encoder_lr = [5e-5, 1e-5]|/text_encoder_lr|REQUEST_INVALID",
        "sample_prompts = \"prompts.txt\"|/sample_prompts|NOT_SUPPORTED_YET",
        "reg_data_dir = \"reg\"|/reg_data_dir|NOT_SUPPORTED_YET",
        "lora_rank = 4|/lora_rank|REQUEST_INVALID",
        "network_dmi = 4|/network_dmi|REQUEST_INVALID",
        "network_dim = \"4\"|/network_dim|REQUEST_INVALID",
        "random_crop = 3|/random_crop|REQUEST_INVALID"
      })
  void saysWhatIsWrongInAFileOfKohya(String line, String pointer, ErrorCode code) {
    var e = refusedKohya(KOHYA + line + "\n");

    assertThat(e.pointer()).isEqualTo(pointer);
    assertThat(e.code()).isEqualTo(code);
  }

  @Test
  void aMisspeltNameBringsTheNearestOfItsDialect() {
    assertThat(refusedKohya(KOHYA + "network_dmi = 4\n").hint())
        .isEqualTo("did you mean network_dim?");
    assertThat(refusedKohya(KOHYA + "lora_rank = 4\n").hint()).isEqualTo("write network_dim");
  }

  @Test
  void whatIsSwitchedOffOrSaysWhatHoldsAnywayIsNoQuestion() {
    var plain = kohya(KOHYA).request();

    var said =
        kohya(
            KOHYA
                + "full_fp16 = false\nmin_snr_gamma = 0\nnoise_offset = 0\nsave_precision ="
                + " \"float\"\nscale_weight_norms = false\nvae = \"\"\nv_parameterization = false\n");

    assertThat(said.request()).isEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource({"validation_epochs: 2,/validation_epochs", "use_dora: true,/use_dora"})
  void saysWhatDiffusersWouldDo(String line, String pointer) {
    var e = catchThrowableOfType(RequestException.class, () -> diffusers(DIFFUSERS + line + "\n"));

    assertThat(e.pointer()).isEqualTo(pointer);
    assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET);
  }

  @Test
  void inADialectThePicturesAreStillLabelledInOurWords() {
    var label =
        diffusers(DIFFUSERS + "dataset: {label: {trigger_word: sks}}\n")
            .request()
            .dataset()
            .label();

    assertThat(label.rules().triggerWord()).isEqualTo("sks");
  }

  @Test
  void theDialectIsSaidAndNeverGuessed() {
    var yaml = "{network_dim: 8, network_train_unet_only: true,\n" + KOHYA_YAML + "}";

    var plan = plan(RequestReader.read(yaml.getBytes(UTF_8), ContentKind.YAML, "kohya"));

    assertThat(plan.network().loraRank()).isEqualTo(8);
    var flora = "base_model = \"a/b\"\ntrain_data_dir = \"x\"\nlora_rank = 6\n";
    assertThat(
            plan(RequestReader.read(flora.getBytes(UTF_8), ContentKind.TOML, "flora"))
                .network()
                .loraRank())
        .isEqualTo(6);
  }

  @Test
  void theirFoldersMayLieAnywhereForOnlyTheLastPartNamesTheDataset() {
    var effective = kohya(KOHYA.replace("\"x\"", "\"/home/me/pictures/\""));

    assertThat(effective.request().dataset().name()).isEqualTo("pictures");
    assertThat(effective.warnings()).anyMatch(w -> w.contains("/home/me/pictures"));
    var paths = RequestReader.paths(text("kohya.toml").getBytes(UTF_8), ContentKind.TOML, null);
    assertThat(paths)
        .isEqualTo(
            new GivenPaths(
                "./data/style_train",
                null,
                "./output",
                "stable-diffusion-v1-5/stable-diffusion-v1-5"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a = ", "a = 1\na = 2", "[a\nb = 1", "a = {b = 1", "= 3"})
  void whatIsNoTomlIsRefusedWithAReason(String document) {
    var e = refusedKohya(document);

    assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
    assertThat(e).hasMessageContaining("TOML");
  }

  private static final String KOHYA =
      """
      pretrained_model_name_or_path = "a/b"
      train_data_dir = "x"
      network_train_unet_only = true
      """;
  private static final String KOHYA_YAML = "pretrained_model_name_or_path: a/b, train_data_dir: x";
  private static final String DIFFUSERS = "pretrained_model_name_or_path: a/b\ntrain_data_dir: x\n";

  static String text(String resource) {
    try (var in = DialectTest.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static StableDiffusionLora plan(EffectiveRequest effective) {
    return (StableDiffusionLora) effective.request().train();
  }

  private static EffectiveRequest kohya(String toml) {
    return RequestReader.read(toml.getBytes(UTF_8), ContentKind.TOML);
  }

  private static EffectiveRequest diffusers(String yaml) {
    return RequestReader.read(yaml.getBytes(UTF_8), ContentKind.YAML, "diffusers");
  }

  private static RequestException refusedKohya(String toml) {
    return catchThrowableOfType(RequestException.class, () -> kohya(toml));
  }
}
