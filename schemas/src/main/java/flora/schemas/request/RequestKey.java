package flora.schemas.request;

import flora.schemas.Names;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The one table of everything a run request can say: where a key stands in the canonical form, its
 * other spellings, what its value looks like, and what it means not to write it.
 *
 * <p>The sources of defaults and names: <i>diffusers</i> is {@code
 * examples/text_to_image/train_text_to_image_lora.py}, <i>kohya</i> is {@code kohya-ss/sd-scripts:
 * train_network.py}, <i>AdamW</i> is {@code torch.optim.AdamW}. A name of theirs that is not ours
 * too is known, so that the error can say how it is written here.
 */
enum RequestKey {
  NAME(
      Section.ROOT,
      "name",
      new Shape.Text(96, Names.RULE),
      null,
      "named for its output folder," + " dataset or model",
      only(),
      theirs("output_name")),

  // model
  BASE_MODEL(
      Section.MODEL,
      "base_model",
      text("a repository, owner/name[@revision]"),
      null,
      "none",
      flat("base_model"),
      theirs("pretrained_model_name_or_path", "pretrained_model", "model_name_or_path")),
  PRETRAINED_VAE(
      Section.MODEL,
      "pretrained_vae",
      text("a repository, owner/name[@revision]"),
      null,
      "none: the base model's",
      flat("pretrained_vae"),
      theirs("pretrained_vae_model_name_or_path", "vae")),
  TOKENIZER_NAME(
      Section.MODEL,
      "tokenizer_name",
      text("a repository, owner/name[@revision]"),
      null,
      "none: the base model's",
      flat("tokenizer_name"),
      theirs()),
  ALLOW_PATTERNS(
      Section.MODEL,
      "allow_patterns",
      new Shape.TextList(100, 200, false),
      List.of(),
      "none: what the run needs",
      flat("allow_patterns"),
      theirs("include")),
  IGNORE_PATTERNS(
      Section.MODEL,
      "ignore_patterns",
      new Shape.TextList(100, 200, false),
      List.of(),
      "none",
      flat("ignore_patterns"),
      theirs("exclude")),
  USE_MIRROR(
      Section.MODEL,
      "use_mirror",
      new Shape.FlagOr(List.of()),
      "true",
      "Flora: a mirror where one is configured",
      flat("use_mirror"),
      theirs("mirror")),
  PRESET(
      Section.MODEL,
      "preset",
      choice("needed", "safetensors-only", "diffusers-fp16", "everything"),
      "needed",
      "Flora: of Stable Diffusion 1.5 a tenth of the repository",
      flat("preset"),
      theirs()),

  // dataset
  DATASET_NAME(
      Section.DATASET, "name", new Shape.Text(96, Names.RULE), null, "none", only(), theirs()),
  DATASET_HUB(
      Section.DATASET,
      "hub",
      text("a dataset repository, owner/name[@revision]"),
      null,
      "none",
      only(),
      theirs("dataset_name")),
  CHECK_ONLY(
      Section.DATASET,
      "check_only",
      new Shape.Flag(),
      false,
      "Flora: captions are what people come for",
      only(),
      theirs()),
  TRAIN_DATA_DIR(
      Section.ROOT,
      "train_data_dir",
      text("a dataset's folder"),
      null,
      "none",
      flat("train_data_dir"),
      theirs("instance_data_dir", "image_folder")),
  METADATA_PATH(
      Section.ROOT,
      "metadata_path",
      text("the path of a metadata.csv"),
      null,
      "the dataset's metadata.csv",
      flat("metadata_path"),
      theirs("in_json")),

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

  // train
  TASK(
      Section.TRAIN,
      "task",
      choice("text-to-image", "causal-lm", "image-classification"),
      "text-to-image",
      "Flora",
      flat("task"),
      theirs("task_type")),
  LORA_RANK(
      Section.TRAIN,
      "lora_rank",
      whole(1, 1024),
      8L,
      "the usual of LoRA guides; diffusers and kohya 4",
      flat("lora_rank", "r"),
      theirs("rank", "network_dim")),
  LORA_ALPHA(
      Section.TRAIN,
      "lora_alpha",
      new Shape.Decimal(0, false, 65_536, true),
      null,
      "lora_rank, as diffusers; kohya 1",
      flat("lora_alpha"),
      theirs("network_alpha")),
  LORA_DROPOUT(
      Section.TRAIN,
      "lora_dropout",
      new Shape.Decimal(0, true, 1, false),
      0.0,
      "diffusers, kohya",
      flat("lora_dropout", "dropout"),
      theirs("network_dropout")),
  BIAS(
      Section.TRAIN,
      "bias",
      choice("none", "all", "lora_only"),
      "none",
      "peft",
      flat("bias"),
      theirs()),
  TARGET_MODULES(
      Section.TRAIN,
      "target_modules",
      new Shape.TextList(200, 200, true),
      List.of("to_q", "to_k", "to_v", "to_out.0"),
      "diffusers",
      flat("target_modules", "unet_target_modules"),
      theirs()),
  RESOLUTION(
      Section.TRAIN,
      "resolution",
      new Shape.Whole(16, 4096, 8),
      512L,
      "diffusers, kohya",
      flat("resolution"),
      theirs()),
  CENTER_CROP(
      Section.TRAIN,
      "center_crop",
      new Shape.Flag(),
      false,
      "diffusers",
      flat("center_crop"),
      theirs()),
  RANDOM_FLIP(
      Section.TRAIN,
      "random_flip",
      new Shape.Flag(),
      false,
      "diffusers",
      flat("random_flip"),
      theirs("flip_aug")),
  BATCH_SIZE(
      Section.TRAIN,
      "batch_size",
      whole(1, 1024),
      1L,
      "kohya; diffusers 16",
      flat("batch_size", "train_batch_size"),
      theirs("per_device_train_batch_size")),
  GRADIENT_ACCUMULATION_STEPS(
      Section.TRAIN,
      "gradient_accumulation_steps",
      whole(1, 4096),
      1L,
      "diffusers, kohya",
      flat("gradient_accumulation_steps"),
      theirs()),
  EPOCHS(
      Section.TRAIN,
      "epochs",
      whole(1, 100_000),
      null,
      "none; diffusers 100",
      flat("epochs"),
      theirs("num_train_epochs", "max_train_epochs", "num_epochs")),
  MAX_TRAIN_STEPS(
      Section.TRAIN,
      "max_train_steps",
      whole(1, 10_000_000),
      null,
      "1000 when there are no epochs either; kohya 1600",
      flat("max_train_steps"),
      theirs("max_steps")),
  LEARNING_RATE(
      Section.TRAIN,
      "learning_rate",
      new Shape.Decimal(0, false, 10, true),
      1e-4,
      "diffusers",
      flat("learning_rate"),
      theirs("lr", "unet_lr")),
  LR_SCHEDULER(
      Section.TRAIN,
      "lr_scheduler",
      choice(
          "constant",
          "constant_with_warmup",
          "cosine",
          "linear",
          "cosine_with_restarts",
          "polynomial"),
      "constant",
      "diffusers, kohya",
      flat("lr_scheduler"),
      theirs("lr_scheduler_type")),
  LR_WARMUP_STEPS(
      Section.TRAIN,
      "lr_warmup_steps",
      whole(0, 10_000_000),
      0L,
      "kohya; diffusers 500",
      flat("lr_warmup_steps"),
      theirs("warmup_steps")),
  ADAM_BETA1(
      Section.TRAIN,
      "adam_beta1",
      new Shape.Decimal(0, true, 1, false),
      0.9,
      "diffusers, AdamW",
      flat("adam_beta1"),
      theirs()),
  ADAM_BETA2(
      Section.TRAIN,
      "adam_beta2",
      new Shape.Decimal(0, true, 1, false),
      0.999,
      "diffusers, AdamW",
      flat("adam_beta2"),
      theirs()),
  ADAM_EPSILON(
      Section.TRAIN,
      "adam_epsilon",
      new Shape.Decimal(0, false, 1, true),
      1e-8,
      "diffusers, AdamW",
      flat("adam_epsilon"),
      theirs()),
  WEIGHT_DECAY(
      Section.TRAIN,
      "weight_decay",
      new Shape.Decimal(0, true, 1, true),
      1e-2,
      "diffusers, AdamW",
      flat("weight_decay"),
      theirs("adam_weight_decay")),
  MAX_GRAD_NORM(
      Section.TRAIN,
      "max_grad_norm",
      new Shape.Decimal(0, false, 1e6, true),
      1.0,
      "diffusers, kohya",
      flat("max_grad_norm"),
      theirs()),
  SNR_GAMMA(
      Section.TRAIN,
      "snr_gamma",
      new Shape.Decimal(0, false, 1e6, true),
      null,
      "none, as diffusers",
      flat("snr_gamma"),
      theirs("min_snr_gamma")),
  MIXED_PRECISION(
      Section.TRAIN,
      "mixed_precision",
      choice("no", "fp16", "bf16"),
      "no",
      "kohya",
      flat("mixed_precision"),
      theirs()),
  FP16(Section.TRAIN, "fp16", new Shape.Flag(), null, "mixed_precision", flat("fp16"), theirs()),
  SAVE_STEPS(
      Section.TRAIN,
      "save_steps",
      whole(1, 10_000_000),
      500L,
      "diffusers",
      flat("save_steps"),
      theirs("checkpointing_steps", "save_every_n_steps")),
  SEED(
      Section.TRAIN,
      "seed",
      whole(0, Long.MAX_VALUE),
      0L,
      "Flora: the same request makes the same adapter",
      flat("seed"),
      theirs()),
  OUTPUT_DIR(
      Section.ROOT, "output_dir", text("a folder"), null, "none", flat("output_dir"), theirs()),
  LOGGING_DIR(
      Section.ROOT, "logging_dir", text("a folder"), null, "none", flat("logging_dir"), theirs());

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

  RequestKey(
      Section section,
      String key,
      Shape shape,
      @Nullable Object fallback,
      String source,
      List<String> flat,
      List<String> foreign) {
    this(new KeySpec(section, key, shape, fallback, source, flat, foreign));
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

  /** What it means not to write it; null = nothing, or what the assembly says. */
  @Nullable Object fallback() {
    return spec.fallback();
  }

  /** Where the default comes from, for people. */
  String source() {
    return spec.source();
  }

  /** Its names within its own part. */
  List<String> inSection() {
    return Stream.concat(Stream.of(key()), spec.flat().stream()).distinct().toList();
  }

  /** Its names at the top of the document: the flat form. */
  List<String> atRoot() {
    return section() == Section.ROOT ? inSection() : spec.flat();
  }

  /** What other tools call it, where that is not a name of ours. */
  List<String> foreign() {
    return spec.foreign();
  }

  private static Shape text(String expected) {
    return new Shape.Text(1024, expected);
  }

  private static Shape whole(long min, long max) {
    return new Shape.Whole(min, max, 1);
  }

  private static Shape choice(String... words) {
    return new Shape.Choice(List.of(words));
  }

  private static List<String> flat(String... names) {
    return List.of(names);
  }

  private static List<String> only() {
    return List.of();
  }

  private static List<String> theirs(String... names) {
    return List.of(names);
  }
}
