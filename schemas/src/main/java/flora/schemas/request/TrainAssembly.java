package flora.schemas.request;

import static flora.schemas.request.RequestKey.*;

import flora.schemas.request.KeepPlan.SavePrecision;
import flora.schemas.request.ObjectivePlan.HuberSchedule;
import flora.schemas.request.ObjectivePlan.LossType;
import flora.schemas.request.ObjectivePlan.PredictionType;
import flora.schemas.request.TrainingPlan.LrScheduler;
import flora.schemas.request.TrainingPlan.MixedPrecision;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * From what was given of training to the plan that will be followed. Pure. Every key of the plan is
 * filled here, be it acted on or not: one that is not has the value that holds anyway.
 */
final class TrainAssembly {

  private static final int DEFAULT_STEPS = 1000;

  /** Where diffusers' polynomial course ends. */
  private static final double LAST_RATE = 1e-7;

  private final GivenKeys given;
  private final List<String> warnings;

  /**
   * Begins with what was given.
   *
   * @param warnings take what there is to say
   */
  TrainAssembly(GivenKeys given, List<String> warnings) {
    this.given = given;
    this.warnings = warnings;
  }

  TrainingPlan assemble() {
    var task = required(TASK);
    return switch (task) {
      case "text-to-image" -> training();
      case "adapter-merge", "adapter-convert" -> new AdapterAssembly(given).assemble(task);
      default ->
          throw RequestException.unsupported(
              given.pointer(TASK),
              "task %s is not there yet".formatted(task),
              "write text-to-image");
    };
  }

  private TrainingPlan training() {
    for (var key : List.of(ADAPTERS, ADAPTER_FORMS)) {
      if (!given.texts(key).isEmpty()) {
        throw RequestException.invalid(
            given.pointer(key),
            key.key() + " is for the tasks adapter-merge and adapter-convert",
            "write one of these as task, or leave it out");
      }
    }
    if (!required(BIAS).equals("none")) {
      throw RequestException.unsupported(
          given.pointer(BIAS), "bias %s is not trained".formatted(required(BIAS)), "write none");
    }
    return TrainingPlan.StableDiffusionLora.defaults()
        .with(network())
        .with(optimizer())
        .with(objective())
        .with(pictures())
        .with(captions())
        .with(compute())
        .with(keep())
        .with(validation())
        .with(
            new PreviewPlan(
                given.texts(PREVIEW_PROMPTS),
                orNull(PREVIEW_STEPS),
                required(PREVIEW_SAMPLER),
                decimal(PREVIEW_GUIDANCE),
                integer(PREVIEW_SAMPLING_STEPS),
                given.whole(PREVIEW_SEED),
                given.flag(PREVIEW_AT_FIRST)))
        .withSeed(whole(SEED));
  }

  private ValidationPlan validation() {
    double split = decimal(VALIDATION_SPLIT);
    if (split == 0 && given.dialect() == Dialect.FLORA) {
      for (var key : List.of(EVAL_STEPS, EARLY_STOPPING_PATIENCE, VALIDATION_SEED)) {
        if (given.has(key)) {
          throw RequestException.invalid(
              given.pointer(key),
              "%s has no effect without validation_split".formatted(key.key()),
              "write validation_split: 0.1, or leave it out");
        }
      }
    }
    return new ValidationPlan(
        split, orNull(EVAL_STEPS), orNull(EARLY_STOPPING_PATIENCE), given.whole(VALIDATION_SEED));
  }

  private NetworkPlan network() {
    boolean unet = given.flag(TRAIN_UNET);
    boolean text = given.flag(TRAIN_TEXT_ENCODER);
    if (!unet && !text) {
      throw RequestException.invalid(
          given.pointer(TRAIN_UNET),
          "neither the UNet nor the text encoder is trained",
          "write train_text_encoder: true, or leave train_unet out");
    }
    counts(TARGET_MODULES, unet, "train_unet: true");
    counts(CONV_RANK, unet, "train_unet: true");
    var targets = TargetModules.resolve(given.texts(TARGET_MODULES), warnings);
    if (targets.isEmpty()) {
      throw RequestException.invalid(
          given.pointer(TARGET_MODULES),
          "target_modules must name at least one layer",
          "leave it out for to_q, to_k, to_v, to_out.0");
    }
    int rank = integer(LORA_RANK);
    var alpha = given.decimal(LORA_ALPHA);
    var convRank = orNull(CONV_RANK);
    var convAlpha = given.decimal(CONV_ALPHA);
    if (convAlpha != null && convRank == null) {
      throw RequestException.invalid(
          given.pointer(CONV_ALPHA), "conv_alpha has no effect without conv_rank", "add conv_rank");
    }
    if (convRank != null && convAlpha == null && given.dialect() == Dialect.KOHYA) {
      convAlpha = 1.0;
    }
    return new NetworkPlan(
        rank,
        alpha == null ? usualAlpha(rank) : alpha,
        decimal(LORA_DROPOUT),
        targets,
        given.flag(USE_RSLORA),
        convRank,
        convAlpha,
        unet,
        text,
        textTargets(text),
        initAdapter());
  }

  private @Nullable String initAdapter() {
    var reference = given.text(INIT_ADAPTER);
    if (reference == null) {
      return null;
    }
    try {
      var _ = AdapterReference.parse(reference);
      return reference;
    } catch (IllegalArgumentException e) {
      throw RequestException.invalid(
          given.pointer(INIT_ADAPTER),
          "init_adapter must be %s; this server does not see your disk"
              .formatted(AdapterReference.FORMS),
          "put the file into the bucket flora-models with any S3 client, and write"
              + " s3://flora-models/NAME.safetensors");
    }
  }

  private List<String> textTargets(boolean isTrained) {
    if (!counts(TEXT_ENCODER_TARGET_MODULES, isTrained, "train_text_encoder: true")) {
      return NetworkPlan.TEXT_ATTENTION;
    }
    var targets = given.texts(TEXT_ENCODER_TARGET_MODULES);
    if (targets.isEmpty()) {
      throw RequestException.invalid(
          given.pointer(TEXT_ENCODER_TARGET_MODULES),
          "text_encoder_target_modules must name at least one layer",
          "leave it out for q_proj, k_proj, v_proj, out_proj");
    }
    int skipped = integer(CLIP_SKIP) - 1;
    if (skipped > 0) {
      warnings.add(
          "train_text_encoder: its last %d layers are not read with clip_skip %d and not trained"
              .formatted(skipped, skipped + 1));
    }
    return targets;
  }

  private double usualAlpha(int rank) {
    return switch (given.dialect()) {
      case FLORA -> 2.0 * rank;
      case KOHYA -> 1.0;
      case DIFFUSERS -> rank;
    };
  }

  private OptimizerPlan optimizer() {
    var epochs = orNull(EPOCHS);
    var steps = orNull(MAX_TRAIN_STEPS);
    if (given.has(EPOCHS) && given.has(MAX_TRAIN_STEPS)) {
      warnings.add("epochs: not used, max_train_steps says how long to train");
    }
    // what was said wins over what goes without saying, and steps win over epochs
    if (steps != null && (given.has(MAX_TRAIN_STEPS) || !given.has(EPOCHS))) {
      epochs = null;
    } else if (epochs != null) {
      steps = null;
    } else {
      steps = DEFAULT_STEPS;
    }
    var scheduler = scheduler();
    return new OptimizerPlan(
        integer(BATCH_SIZE),
        integer(GRADIENT_ACCUMULATION_STEPS),
        epochs,
        steps,
        decimal(LEARNING_RATE),
        scheduler,
        warmup(scheduler, steps),
        decimal(ADAM_BETA1),
        decimal(ADAM_BETA2),
        decimal(ADAM_EPSILON),
        decimal(WEIGHT_DECAY),
        decimal(MAX_GRAD_NORM),
        given.flag(BATCH_SIZE_AUTO),
        given.time(MAX_TRAIN_TIME),
        counts(TEXT_ENCODER_LR, given.flag(TRAIN_TEXT_ENCODER), "train_text_encoder: true")
            ? given.decimal(TEXT_ENCODER_LR)
            : null,
        warmupRatio(scheduler, steps),
        counts(
                LR_NUM_CYCLES,
                scheduler == LrScheduler.COSINE_WITH_RESTARTS,
                "lr_scheduler: cosine_with_restarts")
            ? integer(LR_NUM_CYCLES)
            : 1,
        counts(LR_POWER, scheduler == LrScheduler.POLYNOMIAL, "lr_scheduler: polynomial")
            ? decimal(LR_POWER)
            : 1.0,
        given.decimal(EMA_DECAY));
  }

  private LrScheduler scheduler() {
    var scheduler = LrScheduler.valueOf(required(LR_SCHEDULER).toUpperCase(Locale.ROOT));
    if (scheduler == LrScheduler.POLYNOMIAL && decimal(LEARNING_RATE) <= LAST_RATE) {
      throw RequestException.invalid(
          given.pointer(LEARNING_RATE),
          "lr_scheduler polynomial ends at a rate of %s, learning_rate must be above"
              .formatted(LAST_RATE),
          "write a higher learning_rate, or lr_scheduler: constant");
    }
    return scheduler;
  }

  /**
   * Whether a key that needs another counts. Without that one our own requests must not ask for it,
   * while files of other tools are full of what has no effect.
   *
   * @param unless what it needs, as it is written
   */
  private boolean counts(RequestKey key, boolean hasEffect, String unless) {
    if (!hasEffect && given.asksFor(key)) {
      if (given.dialect() == Dialect.FLORA) {
        throw RequestException.invalid(
            given.pointer(key),
            "%s has no effect without %s".formatted(key.key(), unless),
            "write %s, or leave it out".formatted(unless));
      }
      warnings.add("%s: no effect without %s".formatted(key.key(), unless));
    }
    return hasEffect;
  }

  private int warmup(LrScheduler scheduler, @Nullable Integer steps) {
    var written = given.steps(LR_WARMUP_STEPS);
    if (scheduler == LrScheduler.CONSTANT && given.has(LR_WARMUP_RATIO)) {
      throw RequestException.invalid(
          given.pointer(LR_WARMUP_RATIO),
          "lr_warmup_ratio has no effect on lr_scheduler constant",
          "write lr_scheduler: constant_with_warmup, or leave lr_warmup_ratio out");
    }
    if (scheduler == LrScheduler.CONSTANT && given.dialect() != Dialect.FLORA) {
      if (given.has(LR_WARMUP_STEPS) && written.doubleValue() > 0) {
        warnings.add("lr_warmup_steps: lr_scheduler constant has no warm-up, as in their scripts");
      }
      return 0;
    }
    if (scheduler == LrScheduler.CONSTANT && written.doubleValue() > 0) {
      throw RequestException.invalid(
          given.pointer(LR_WARMUP_STEPS),
          "lr_warmup_steps has no effect on lr_scheduler constant",
          "write lr_scheduler: constant_with_warmup, or leave lr_warmup_steps out");
    }
    if (written instanceof Long whole) {
      return Math.toIntExact(whole);
    }
    return steps == null ? 0 : (int) (written.doubleValue() * steps);
  }

  /** How many steps an epoch has is known when the pictures are. */
  private @Nullable Double warmupRatio(LrScheduler scheduler, @Nullable Integer steps) {
    var ratio = given.decimal(LR_WARMUP_RATIO);
    return ratio == null
            && steps == null
            && scheduler != LrScheduler.CONSTANT
            && given.steps(LR_WARMUP_STEPS) instanceof Double share
        ? share
        : ratio;
  }

  private ObjectivePlan objective() {
    var least = orNull(MIN_TIMESTEP);
    var most = orNull(MAX_TIMESTEP);
    if (least != null && most != null && least >= most) {
      throw RequestException.invalid(
          given.pointer(MIN_TIMESTEP),
          "min_timestep %d is not below max_timestep %d".formatted(least, most),
          "no timestep is left to learn from");
    }
    var prediction =
        switch (given.text(PREDICTION_TYPE)) {
          case "epsilon" -> PredictionType.EPSILON;
          case "sample" -> PredictionType.SAMPLE;
          case "v_prediction" -> PredictionType.VELOCITY;
          case null, default -> null;
        };
    boolean endsInNoise = given.flag(ZERO_TERMINAL_SNR);
    if (endsInNoise && prediction == PredictionType.EPSILON) {
      throw RequestException.invalid(
          given.pointer(ZERO_TERMINAL_SNR),
          "zero_terminal_snr: of pure noise a model that predicts epsilon learns nothing, and"
              + " snr_gamma has no weight for it",
          "write prediction_type: v_prediction where the model predicts that, or leave it out");
    }
    var loss = LossType.valueOf(required(LOSS_TYPE).toUpperCase(Locale.ROOT));
    boolean turns = loss == LossType.HUBER || loss == LossType.SMOOTH_L1;
    return new ObjectivePlan(
        given.decimal(SNR_GAMMA),
        prediction,
        decimal(NOISE_OFFSET),
        loss,
        counts(HUBER_C, turns, "loss_type: huber") ? decimal(HUBER_C) : 0.1,
        counts(HUBER_SCHEDULE, turns, "loss_type: huber")
            ? HuberSchedule.valueOf(required(HUBER_SCHEDULE).toUpperCase(Locale.ROOT))
            : HuberSchedule.SNR,
        least,
        most,
        endsInNoise);
  }

  private PicturePlan pictures() {
    var area = given.area(RESOLUTION);
    var height = orNull(RESOLUTION_HEIGHT);
    if (area.width() != area.height()) {
      if (!RESOLUTION_HEIGHT.isActedOn()) {
        throw RequestException.unsupported(
            given.pointer(RESOLUTION),
            "resolution: pictures that are no squares are not trained on yet",
            "write one number");
      }
      height = Math.toIntExact(area.height());
    }
    int least = integer(MIN_BUCKET_RESO);
    int most = integer(MAX_BUCKET_RESO);
    int step = integer(BUCKET_RESO_STEPS);
    if (given.flag(ENABLE_BUCKET) && step > least) {
      throw RequestException.invalid(
          given.pointer(BUCKET_RESO_STEPS),
          "bucket_reso_steps %d is more than min_bucket_reso %d".formatted(step, least),
          "write 64, or a larger min_bucket_reso");
    }
    if (given.flag(ENABLE_BUCKET) && least > most) {
      throw RequestException.invalid(
          given.pointer(given.has(MIN_BUCKET_RESO) ? MIN_BUCKET_RESO : MAX_BUCKET_RESO),
          "min_bucket_reso %d is more than max_bucket_reso %d".formatted(least, most),
          "no bucket is left");
    }
    return new PicturePlan(
        Math.toIntExact(area.width()),
        given.flag(CENTER_CROP),
        given.flag(RANDOM_FLIP),
        height,
        given.flag(ENABLE_BUCKET),
        least,
        most,
        step,
        given.flag(BUCKET_NO_UPSCALE),
        integer(REPEATS));
  }

  private CaptionPlan captions() {
    return new CaptionPlan(
        decimal(CAPTION_DROPOUT_RATE),
        integer(CAPTION_DROPOUT_EVERY_N_EPOCHS),
        decimal(CAPTION_TAG_DROPOUT_RATE),
        given.flag(SHUFFLE_CAPTION),
        integer(KEEP_TOKENS),
        given.text(KEEP_TOKENS_SEPARATOR),
        required(CAPTION_SEPARATOR),
        given.text(CAPTION_PREFIX),
        given.text(CAPTION_SUFFIX),
        integer(MAX_TOKEN_LENGTH),
        integer(CLIP_SKIP));
  }

  private ComputePlan compute() {
    if (given.text(DEVICE) != null && !given.texts(DEVICES).isEmpty()) {
      throw GivenKeys.disagree(given.get(DEVICE).orElseThrow(), given.get(DEVICES).orElseThrow());
    }
    return new ComputePlan(
        precision(), given.flag(GRADIENT_CHECKPOINTING), given.text(DEVICE), given.texts(DEVICES));
  }

  private MixedPrecision precision() {
    var word = required(MIXED_PRECISION);
    if (given.has(FP16)) {
      var fromFlag = given.flag(FP16) ? "fp16" : "no";
      if (given.has(MIXED_PRECISION) && !fromFlag.equals(word)) {
        throw GivenKeys.disagree(
            given.get(MIXED_PRECISION).orElseThrow(), given.get(FP16).orElseThrow());
      }
      word = fromFlag;
    }
    var precision =
        switch (word) {
          case "fp16" -> MixedPrecision.FP16;
          case "bf16" -> MixedPrecision.BF16;
          default -> MixedPrecision.NO;
        };
    if (precision != MixedPrecision.NO) {
      warnings.add("mixed_precision: without a GPU %s computes in fp32".formatted(word));
    }
    return precision;
  }

  private KeepPlan keep() {
    return new KeepPlan(
        integer(SAVE_STEPS),
        orNull(SAVE_EVERY_N_EPOCHS),
        orNull(CHECKPOINTS_TO_KEEP),
        switch (required(SAVE_PRECISION)) {
          case "fp16" -> SavePrecision.FP16;
          case "bf16" -> SavePrecision.BF16;
          default -> SavePrecision.FP32;
        });
  }

  private String required(RequestKey key) {
    return Objects.requireNonNull(given.text(key), key.key());
  }

  private long whole(RequestKey key) {
    return Objects.requireNonNull(given.whole(key), key.key());
  }

  private int integer(RequestKey key) {
    return Math.toIntExact(whole(key));
  }

  private @Nullable Integer orNull(RequestKey key) {
    var number = given.whole(key);
    return number == null ? null : Math.toIntExact(number);
  }

  private double decimal(RequestKey key) {
    return Objects.requireNonNull(given.decimal(key), key.key());
  }
}
