package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.TrainingPlan.LrScheduler;
import flora.schemas.request.TrainingPlan.MixedPrecision;
import flora.schemas.request.TrainingPlan.StableDiffusionLora;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/** A plan in parts is flat on the wire, and what was frozen before there were parts stays valid. */
class TrainingPlanTest {

  /** Byte for byte as it was written before there were parts. */
  private static final String FROZEN =
      """
      {"task":"text-to-image","lora_rank":4,"lora_alpha":16.0,"lora_dropout":0.05,\
      "target_modules":["to_q","conv1"],"resolution":256,"center_crop":true,"random_flip":true,\
      "batch_size":2,"gradient_accumulation_steps":4,"epochs":3,"max_train_steps":null,\
      "learning_rate":1.0E-4,"lr_scheduler":"cosine","lr_warmup_steps":100,"adam_beta1":0.8,\
      "adam_beta2":0.99,"adam_epsilon":1.0E-8,"weight_decay":0.02,"max_grad_norm":2.0,\
      "snr_gamma":5.0,"mixed_precision":"fp16","save_steps":50,"seed":42}""";

  private static final StableDiffusionLora OF_FROZEN =
      StableDiffusionLora.defaults()
          .with(NetworkPlan.of(4, 16, 0.05, List.of("to_q", "conv1")))
          .with(
              OptimizerPlan.of(
                  2,
                  4,
                  OptimizerPlan.Length.ofEpochs(3),
                  new OptimizerPlan.Rate(1e-4, LrScheduler.COSINE, 100),
                  new OptimizerPlan.AdamW(0.8, 0.99, 1e-8, 0.02, 2)))
          .with(ObjectivePlan.of(5.0))
          .with(PicturePlan.of(256, true, true))
          .with(ComputePlan.of(MixedPrecision.FP16))
          .with(KeepPlan.of(50))
          .withSeed(42);

  /** The same with something else in every key that came later. */
  private static final StableDiffusionLora EVERYTHING =
      new StableDiffusionLora(
          "style",
          new NetworkPlan(
              4,
              16,
              0.05,
              List.of("to_q", "conv1"),
              true,
              2,
              1.0,
              false,
              true,
              List.of("fc1"),
              "s3://flora-models/mine.safetensors"),
          new OptimizerPlan(
              2,
              4,
              3,
              null,
              1e-4,
              LrScheduler.COSINE,
              100,
              0.8,
              0.99,
              1e-8,
              0.02,
              2,
              true,
              Duration.ofMinutes(90),
              5e-5,
              0.05,
              3,
              2.0,
              0.9999),
          new ObjectivePlan(
              5.0,
              ObjectivePlan.PredictionType.VELOCITY,
              0.03,
              ObjectivePlan.LossType.HUBER,
              0.2,
              ObjectivePlan.HuberSchedule.CONSTANT,
              10,
              900,
              true),
          new PicturePlan(256, true, true, 384, true, 128, 512, 32, true, 5),
          new CaptionPlan(0.1, 2, 0.2, true, 1, "|||", ";", "a ", " b", 225, 2),
          new ComputePlan(MixedPrecision.FP16, true, "cpu", List.of("cpu", "cpu")),
          new KeepPlan(50, 1, 7, KeepPlan.SavePrecision.BF16),
          new ValidationPlan(0.1, 20, 3, 9L),
          new PreviewPlan(List.of("a cat"), 10, "ddim", 5.0, 30, 8L, true),
          42);

  @Test
  void aPlanFrozenBeforeThereWerePartsIsReadAndWrittenWithTheSameMeaning() {
    var plan = Json.read(FROZEN.getBytes(UTF_8), TrainingPlan.class);

    assertThat(plan).isEqualTo(OF_FROZEN);
    assertThat(tree(plan)).isEqualTo(Json.mapper().readTree(FROZEN));
  }

  @Test
  void aRequestFrozenBeforeThereWerePartsIsReadFromTheStoreAndAsked() {
    var frozen =
        """
        {"name":"x","model":{"base_model":"a/b","pretrained_vae":null,"tokenizer_name":null,
        "allow_patterns":[],"ignore_patterns":[],"use_mirror":"true","preset":"needed"},
        "dataset":{"name":"x","hub":null,"label":{"labeler":"clip",
        "model":"openai/clip-vit-large-patch14","labels":[],"templates":["{}"],"threshold":0.1,
        "top_k":3,"trigger_word":null},"check_only":false},
        "train":%s}
        """
            .formatted(FROZEN)
            .getBytes(UTF_8);

    assertThat(Json.read(frozen, RunRequest.class).train())
        .isEqualTo(OF_FROZEN)
        .isEqualTo(RequestReader.read(frozen, ContentKind.JSON).request().train());
  }

  @Test
  void everyKeyLiesFlatAndComesBack() {
    var written = tree(EVERYTHING);

    assertThat(Json.read(Json.bytes(EVERYTHING), TrainingPlan.class)).isEqualTo(EVERYTHING);
    assertThat(written.propertyNames()).hasSize(components(StableDiffusionLora.class) + 1);
    assertThat(written.properties()).noneMatch(key -> key.getValue().isObject());
    assertThat(written.propertyNames())
        .contains("save_every_n_epochs", "caption_dropout_every_n_epochs", "huber_c");
  }

  @Test
  void whatDoesNotDifferFromItsAbsenceIsNotWritten() {
    var everything = tree(EVERYTHING);

    for (var key : later()) {
      assertThat(tree(OF_FROZEN).has(key)).as(key).isFalse();
      var one = frozenWith(key, everything);
      assertThat(tree(Json.mapper().treeToValue(one, TrainingPlan.class)).get(key))
          .as(key)
          .isEqualTo(everything.get(key));
    }
  }

  @Test
  void theDigestOfAPlanIsWhatItWasBeforeThereWereParts() {
    assertThat(PlanDigest.of(OF_FROZEN)).isEqualTo(Sha256.sum(FROZEN.getBytes(UTF_8)));
  }

  @Test
  void theDigestOfAPlanChangesWithEveryKeyThatSaysSomethingElse() {
    var everything = tree(EVERYTHING);
    var digests = new HashMap<Sha256, String>();
    digests.put(PlanDigest.of(OF_FROZEN), "nothing");

    for (var key : later()) {
      var plan = Json.mapper().treeToValue(frozenWith(key, everything), TrainingPlan.class);
      assertThat(digests.put(PlanDigest.of(plan), key)).as(key).isNull();
    }
    assertThat(digests).doesNotContainKey(PlanDigest.of(EVERYTHING));
  }

  @Test
  void theDigestDoesNotDependOnWhetherADefaultIsSaid() {
    var said = (ObjectNode) Json.mapper().readTree(FROZEN);
    said.put("repeats", 1).put("train_unet", true).put("clip_skip", 1).putArray("devices");
    said.putNull("ema_decay");

    assertThat(PlanDigest.of(Json.mapper().treeToValue(said, TrainingPlan.class)))
        .isEqualTo(PlanDigest.of(OF_FROZEN));
  }

  /** Whoever makes one of them work takes it into the table. */
  @ParameterizedTest
  @MethodSource("later")
  void aKeyIsInThePlanOrRefusedByName(String key) {
    if (key.equals("preset")) {
      return; // what it stands for is written instead of it
    }
    var train = Json.mapper().createObjectNode();
    switch (key) {
      case "conv_alpha" -> train.put("conv_rank", 4);
      case "train_unet", "text_encoder_lr", "text_encoder_target_modules" ->
          train.put("train_text_encoder", true);
      case "lr_num_cycles" -> train.put("lr_scheduler", "cosine_with_restarts");
      case "lr_power" -> train.put("lr_scheduler", "polynomial");
      case "huber_c", "huber_schedule" -> train.put("loss_type", "smooth_l1");
      case "lr_warmup_ratio" -> train.put("lr_scheduler", "cosine");
      case "eval_steps", "early_stopping_patience", "validation_seed" ->
          train.put("validation_split", 0.1);
      default -> {}
    }
    train.set(key, tree(EVERYTHING).get(key));
    var request =
        "{\"base_model\":\"a/b\",\"dataset\":{\"name\":\"x\"},\"train\":%s}"
            .formatted(train)
            .getBytes(UTF_8);

    if (isActedOn(key)) {
      var read = RequestReader.read(request, ContentKind.JSON).request();
      assertThat(tree(read.train()).get(key)).isEqualTo(train.get(key));
      assertThat(RequestReader.read(Json.bytes(read), ContentKind.JSON).request()).isEqualTo(read);
      return;
    }
    var e =
        catchThrowableOfType(
            RequestException.class, () -> RequestReader.read(request, ContentKind.JSON));

    assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET);
    assertThat(e.pointer()).isEqualTo("/train/" + key);
  }

  private static boolean isActedOn(String word) {
    return Stream.of(RequestKey.values())
        .anyMatch(key -> key.key().equals(word) && key.isActedOn());
  }

  private static Set<String> later() {
    var later = new HashSet<>(tree(EVERYTHING).propertyNames());
    later.removeAll(Json.mapper().readTree(FROZEN).propertyNames());
    assertThat(later).hasSizeGreaterThan(40);
    return later;
  }

  private static ObjectNode frozenWith(String key, ObjectNode everything) {
    return ((ObjectNode) Json.mapper().readTree(FROZEN)).set(key, everything.get(key)).asObject();
  }

  private static ObjectNode tree(TrainingPlan plan) {
    return (ObjectNode) Json.mapper().readTree(Json.bytes(plan));
  }

  private static int components(Class<?> record) {
    int count = 0;
    for (var component : record.getRecordComponents()) {
      count += component.getType().isRecord() ? components(component.getType()) : 1;
    }
    return count;
  }
}
