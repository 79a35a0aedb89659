package flora.schemas.request;

import static flora.schemas.request.Shapes.*;

import flora.schemas.Names;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The one table of everything a run request can say, a line a key: where it stands in the canonical
 * form, how each dialect spells it, what its value looks like, what it means not to write it there,
 * and whether anything acts on it yet.
 */
enum RequestKey {
  NAME(
      key(
              Section.ROOT,
              "name",
              new Shape.Text(96, Names.RULE),
              null,
              "named for its output folder, dataset or model")
          .kohya("output_name")),

  // model
  BASE_MODEL(
      key(Section.MODEL, "base_model", text("a repository, owner/name[@revision]"), null, "none")
          .flat("base_model")
          .theirs("pretrained_model", "model_name_or_path")
          .both("pretrained_model_name_or_path")),
  PRETRAINED_VAE(
      key(
              Section.MODEL,
              "pretrained_vae",
              text("a repository, owner/name[@revision]"),
              null,
              "none: the base model's")
          .flat("pretrained_vae")
          .theirs("pretrained_vae_model_name_or_path")
          .kohya("vae")),
  TOKENIZER_NAME(
      key(
              Section.MODEL,
              "tokenizer_name",
              text("a repository, owner/name[@revision]"),
              null,
              "none: the base model's")
          .flat("tokenizer_name")),
  ALLOW_PATTERNS(
      key(
              Section.MODEL,
              "allow_patterns",
              new Shape.TextList(100, 200, false),
              List.of(),
              "none: what the run needs")
          .flat("allow_patterns")
          .theirs("include")),
  IGNORE_PATTERNS(
      key(Section.MODEL, "ignore_patterns", new Shape.TextList(100, 200, false), List.of(), "none")
          .flat("ignore_patterns")
          .theirs("exclude")),
  USE_MIRROR(
      key(
              Section.MODEL,
              "use_mirror",
              new Shape.FlagOr(List.of()),
              "true",
              "Flora: a mirror where one is configured")
          .flat("use_mirror")
          .theirs("mirror")),
  PRESET(
      key(
              Section.MODEL,
              "preset",
              choice("needed", "safetensors-only", "diffusers-fp16", "everything"),
              "needed",
              "Flora: of Stable Diffusion 1.5 a tenth of the repository")
          .flat("preset")),

  // dataset
  DATASET_NAME(key(Section.DATASET, "name", new Shape.Text(96, Names.RULE), null, "none")),
  DATASET_HUB(
      key(Section.DATASET, "hub", text("a dataset repository, owner/name[@revision]"), null, "none")
          .diffusers("dataset_name")),
  CHECK_ONLY(
      key(
          Section.DATASET,
          "check_only",
          flag(),
          false,
          "Flora: captions are what people come for")),
  TRAIN_DATA_DIR(
      key(Section.ROOT, "train_data_dir", text("a dataset's folder"), null, "none")
          .flat("train_data_dir")
          .theirs("instance_data_dir", "image_folder")
          .kohya("train_data_dir", "image_dir")
          .diffusers("train_data_dir")),
  METADATA_PATH(
      key(
              Section.ROOT,
              "metadata_path",
              text("the path of a metadata.csv"),
              null,
              "the dataset's metadata.csv")
          .flat("metadata_path")
          .kohya("in_json", "metadata_file")),

  // dataset.label
  LABELER(LabelKeys.LABELER),
  LABEL_MODEL(LabelKeys.MODEL),
  CAPTION_MODEL(LabelKeys.CAPTION_MODEL),
  LABELS(LabelKeys.LABELS),
  MODE(LabelKeys.MODE),
  TEMPLATES(LabelKeys.TEMPLATES),
  THRESHOLD(LabelKeys.THRESHOLD),
  TOP_K(LabelKeys.TOP_K),
  TRIGGER_WORD(LabelKeys.TRIGGER_WORD),
  PREFIX(LabelKeys.PREFIX),
  SUFFIX(LabelKeys.SUFFIX),
  BLACKLIST(LabelKeys.BLACKLIST),
  REPLACE(LabelKeys.REPLACE),
  TOKEN_LIMIT(LabelKeys.TOKEN_LIMIT),
  PROMPT(LabelKeys.PROMPT),
  NUM_BEAMS(LabelKeys.NUM_BEAMS),
  MAX_NEW_TOKENS(LabelKeys.MAX_NEW_TOKENS),
  MIN_NEW_TOKENS(LabelKeys.MIN_NEW_TOKENS),
  NO_REPEAT_NGRAM_SIZE(LabelKeys.NO_REPEAT_NGRAM_SIZE),
  REPETITION_PENALTY(LabelKeys.REPETITION_PENALTY),
  LENGTH_PENALTY(LabelKeys.LENGTH_PENALTY),
  EARLY_STOPPING(LabelKeys.EARLY_STOPPING),
  PRECISION(LabelKeys.PRECISION),
  TARGET(LabelKeys.TARGET),
  ANIMATED(LabelKeys.ANIMATED),
  SIDECARS(LabelKeys.SIDECARS),

  // train: what is trained
  TRAIN_PRESET(NetworkKeys.PRESET),
  TASK(NetworkKeys.TASK),
  ADAPTERS(NetworkKeys.ADAPTERS),
  ADAPTER_FORMS(NetworkKeys.ADAPTER_FORMS),
  LORA_RANK(NetworkKeys.LORA_RANK),
  LORA_ALPHA(NetworkKeys.LORA_ALPHA),
  LORA_DROPOUT(NetworkKeys.LORA_DROPOUT),
  USE_RSLORA(NetworkKeys.USE_RSLORA),
  BIAS(NetworkKeys.BIAS),
  TARGET_MODULES(NetworkKeys.TARGET_MODULES),
  CONV_RANK(NetworkKeys.CONV_RANK),
  CONV_ALPHA(NetworkKeys.CONV_ALPHA),
  TRAIN_UNET(NetworkKeys.TRAIN_UNET),
  TRAIN_TEXT_ENCODER(NetworkKeys.TRAIN_TEXT_ENCODER),
  TEXT_ENCODER_TARGET_MODULES(NetworkKeys.TEXT_ENCODER_TARGET_MODULES),
  INIT_ADAPTER(NetworkKeys.INIT_ADAPTER),
  PREDICTION_TYPE(NetworkKeys.PREDICTION_TYPE),
  SNR_GAMMA(NetworkKeys.SNR_GAMMA),
  NOISE_OFFSET(NetworkKeys.NOISE_OFFSET),
  LOSS_TYPE(NetworkKeys.LOSS_TYPE),
  HUBER_C(NetworkKeys.HUBER_C),
  HUBER_SCHEDULE(NetworkKeys.HUBER_SCHEDULE),
  MIN_TIMESTEP(NetworkKeys.MIN_TIMESTEP),
  MAX_TIMESTEP(NetworkKeys.MAX_TIMESTEP),
  ZERO_TERMINAL_SNR(NetworkKeys.ZERO_TERMINAL_SNR),

  // train: how it is learned
  BATCH_SIZE(OptimizerKeys.BATCH_SIZE),
  BATCH_SIZE_AUTO(OptimizerKeys.BATCH_SIZE_AUTO),
  GRADIENT_ACCUMULATION_STEPS(OptimizerKeys.GRADIENT_ACCUMULATION_STEPS),
  EPOCHS(OptimizerKeys.EPOCHS),
  MAX_TRAIN_STEPS(OptimizerKeys.MAX_TRAIN_STEPS),
  MAX_TRAIN_TIME(OptimizerKeys.MAX_TRAIN_TIME),
  LEARNING_RATE(OptimizerKeys.LEARNING_RATE),
  TEXT_ENCODER_LR(OptimizerKeys.TEXT_ENCODER_LR),
  LR_SCHEDULER(OptimizerKeys.LR_SCHEDULER),
  LR_WARMUP_STEPS(OptimizerKeys.LR_WARMUP_STEPS),
  LR_WARMUP_RATIO(OptimizerKeys.LR_WARMUP_RATIO),
  LR_NUM_CYCLES(OptimizerKeys.LR_NUM_CYCLES),
  LR_POWER(OptimizerKeys.LR_POWER),
  ADAM_BETA1(OptimizerKeys.ADAM_BETA1),
  ADAM_BETA2(OptimizerKeys.ADAM_BETA2),
  ADAM_EPSILON(OptimizerKeys.ADAM_EPSILON),
  WEIGHT_DECAY(OptimizerKeys.WEIGHT_DECAY),
  MAX_GRAD_NORM(OptimizerKeys.MAX_GRAD_NORM),
  EMA_DECAY(OptimizerKeys.EMA_DECAY),

  // train: pictures and captions
  RESOLUTION(DataKeys.RESOLUTION),
  RESOLUTION_HEIGHT(DataKeys.RESOLUTION_HEIGHT),
  ENABLE_BUCKET(DataKeys.ENABLE_BUCKET),
  MIN_BUCKET_RESO(DataKeys.MIN_BUCKET_RESO),
  MAX_BUCKET_RESO(DataKeys.MAX_BUCKET_RESO),
  BUCKET_RESO_STEPS(DataKeys.BUCKET_RESO_STEPS),
  BUCKET_NO_UPSCALE(DataKeys.BUCKET_NO_UPSCALE),
  CENTER_CROP(DataKeys.CENTER_CROP),
  RANDOM_FLIP(DataKeys.RANDOM_FLIP),
  REPEATS(DataKeys.REPEATS),
  CAPTION_DROPOUT_RATE(DataKeys.CAPTION_DROPOUT_RATE),
  CAPTION_DROPOUT_EVERY_N_EPOCHS(DataKeys.CAPTION_DROPOUT_EVERY_N_EPOCHS),
  CAPTION_TAG_DROPOUT_RATE(DataKeys.CAPTION_TAG_DROPOUT_RATE),
  SHUFFLE_CAPTION(DataKeys.SHUFFLE_CAPTION),
  KEEP_TOKENS(DataKeys.KEEP_TOKENS),
  KEEP_TOKENS_SEPARATOR(DataKeys.KEEP_TOKENS_SEPARATOR),
  CAPTION_SEPARATOR(DataKeys.CAPTION_SEPARATOR),
  CAPTION_PREFIX(DataKeys.CAPTION_PREFIX),
  CAPTION_SUFFIX(DataKeys.CAPTION_SUFFIX),
  MAX_TOKEN_LENGTH(DataKeys.MAX_TOKEN_LENGTH),
  CLIP_SKIP(DataKeys.CLIP_SKIP),

  // train: what computes, what is kept
  MIXED_PRECISION(RunKeys.MIXED_PRECISION),
  FP16(RunKeys.FP16),
  GRADIENT_CHECKPOINTING(RunKeys.GRADIENT_CHECKPOINTING),
  DEVICE(RunKeys.DEVICE),
  DEVICES(RunKeys.DEVICES),
  SAVE_STEPS(RunKeys.SAVE_STEPS),
  SAVE_EVERY_N_EPOCHS(RunKeys.SAVE_EVERY_N_EPOCHS),
  CHECKPOINTS_TO_KEEP(RunKeys.CHECKPOINTS_TO_KEEP),
  SAVE_PRECISION(RunKeys.SAVE_PRECISION),
  VALIDATION_SPLIT(RunKeys.VALIDATION_SPLIT),
  EVAL_STEPS(RunKeys.EVAL_STEPS),
  EARLY_STOPPING_PATIENCE(RunKeys.EARLY_STOPPING_PATIENCE),
  VALIDATION_SEED(RunKeys.VALIDATION_SEED),
  PREVIEW_PROMPTS(RunKeys.PREVIEW_PROMPTS),
  PREVIEW_STEPS(RunKeys.PREVIEW_STEPS),
  PREVIEW_SAMPLER(RunKeys.PREVIEW_SAMPLER),
  PREVIEW_GUIDANCE(RunKeys.PREVIEW_GUIDANCE),
  PREVIEW_SAMPLING_STEPS(RunKeys.PREVIEW_SAMPLING_STEPS),
  PREVIEW_SEED(RunKeys.PREVIEW_SEED),
  PREVIEW_AT_FIRST(RunKeys.PREVIEW_AT_FIRST),
  SEED(RunKeys.SEED),

  OUTPUT_DIR(
      key(Section.ROOT, "output_dir", text("a folder"), null, "none")
          .flat("output_dir")
          .both("output_dir")),
  LOGGING_DIR(
      key(Section.ROOT, "logging_dir", text("a folder"), null, "none")
          .flat("logging_dir")
          .both("logging_dir"));

  /** A part of the canonical form. */
  enum Section {
    ROOT(""),
    MODEL("model"),
    DATASET("dataset"),
    LABEL("label"),
    TRAIN("train");

    private final String key;

    Section(String key) {
      this.key = key;
    }

    /** The name of the part. */
    String key() {
      return key;
    }
  }

  private final KeySpec spec;

  RequestKey(KeySpec spec) {
    this.spec = spec;
  }

  private static KeySpec key(
      Section section, String key, Shape shape, @Nullable Object fallback, String source) {
    return new KeySpec(section, key, shape, fallback, source);
  }

  /** The part it belongs to. */
  Section section() {
    return spec.section();
  }

  /** Its name in that part. */
  String key() {
    return spec.key();
  }

  /** What its value looks like. */
  Shape shape() {
    return spec.shape();
  }

  /** What it means not to write it in our dialect; null = nothing, or what the assembly says. */
  @Nullable Object fallback() {
    return fallback(Dialect.FLORA);
  }

  /** What it means not to write it; null = nothing, or what the assembly says. */
  @Nullable Object fallback(Dialect dialect) {
    return spec.notYet() == null ? wanted(dialect) : spec.notYet().until();
  }

  /** What it will mean not to write it, once something acts on the key. */
  @Nullable Object wanted(Dialect dialect) {
    return spec.defaults().getOrDefault(dialect, spec.fallback());
  }

  /** Whether anything acts on it. Until then only what holds anyway can be said. */
  boolean isActedOn() {
    return spec.notYet() == null;
  }

  /** Where the default comes from, for people. */
  String source() {
    return spec.source();
  }

  /** Its names within its own part. */
  List<String> inSection() {
    return Stream.concat(Stream.of(key()), spec.flat().stream()).distinct().toList();
  }

  /** Its names at the top of a document in our dialect: the flat form. */
  List<String> atRoot() {
    return section() == Section.ROOT ? inSection() : spec.flat();
  }

  /** Its names at the top of a document; none = it cannot be said there. */
  List<String> atRoot(Dialect dialect) {
    return dialect == Dialect.FLORA ? atRoot() : spec.names().getOrDefault(dialect, List.of());
  }

  /** What tools call it that have no dialect here. */
  List<String> foreign() {
    return spec.foreign();
  }

  /** The first dialect that calls it so at the top of a document. */
  Optional<Dialect> dialectOf(String name) {
    return Stream.of(Dialect.values()).filter(d -> atRoot(d).contains(name)).findFirst();
  }
}
