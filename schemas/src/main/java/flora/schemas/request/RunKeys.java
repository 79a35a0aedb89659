package flora.schemas.request;

import static flora.schemas.request.KeySpec.train;
import static flora.schemas.request.Shapes.*;

import java.util.List;

/** The keys of {@code train} that say what computes, what is kept, and how it is watched. */
final class RunKeys {

  static final KeySpec MIXED_PRECISION =
      train("mixed_precision", choice("no", "fp16", "bf16"), "no", "kohya, diffusers")
          .both("mixed_precision");
  static final KeySpec FP16 = train("fp16", flag(), null, "mixed_precision");
  static final KeySpec GRADIENT_CHECKPOINTING =
      train("gradient_checkpointing", flag(), false, "diffusers, kohya")
          .both("gradient_checkpointing");
  static final KeySpec DEVICE =
      train("device", new Shape.Device(), null, "none: a GPU where there is one").notYet(null);
  static final KeySpec DEVICES =
      train("devices", new Shape.Devices(64), List.of(), "none: device alone").notYet(List.of());

  static final KeySpec SAVE_STEPS =
      train("save_steps", whole(1, 10_000_000), 100L, "the articles; diffusers 500")
          .kohya("save_every_n_steps")
          .diffusers("checkpointing_steps")
          .diffusersDefault(500L);
  static final KeySpec SAVE_EVERY_N_EPOCHS =
      train("save_every_n_epochs", whole(1, 100_000), null, "none: save_steps says when")
          .kohya("save_every_n_epochs");
  static final KeySpec CHECKPOINTS_TO_KEEP =
      train("checkpoints_to_keep", whole(1, 1000), null, "the trainer's setting")
          .theirs("save_total_limit")
          .kohya("save_last_n_epochs")
          .diffusers("checkpoints_total_limit");
  static final KeySpec SAVE_PRECISION =
      train("save_precision", choice("fp32", "fp16", "bf16"), "fp32", "Flora")
          .kohya("save_precision");

  static final KeySpec VALIDATION_SPLIT =
      train("validation_split", new Shape.Decimal(0, true, 1, false), 0.0, "kohya")
          .kohya("validation_split");
  static final KeySpec EVAL_STEPS =
      train("eval_steps", whole(1, 10_000_000), null, "save_steps").kohya("validate_every_n_steps");
  static final KeySpec EARLY_STOPPING_PATIENCE =
      train("early_stopping_patience", whole(0, 10_000), null, "5 where there is a split");
  static final KeySpec VALIDATION_SEED =
      train("validation_seed", whole(0, Long.MAX_VALUE), null, "seed").kohya("validation_seed");

  static final KeySpec PREVIEW_PROMPTS =
      train("preview_prompts", new Shape.TextList(100, 1000, false), List.of(), "none")
          .diffusers("validation_prompt");
  static final KeySpec PREVIEW_STEPS =
      train("preview_steps", whole(1, 10_000_000), null, "save_steps")
          .kohya("sample_every_n_steps");
  static final KeySpec PREVIEW_SAMPLER =
      train(
              "preview_sampler",
              choice("ddim", "pndm", "euler", "euler_a", "dpmpp_2m"),
              "dpmpp_2m",
              "Flora; kohya ddim")
          .kohya("sample_sampler")
          .kohyaDefault("ddim");
  static final KeySpec PREVIEW_GUIDANCE =
      train("preview_guidance", within(0, 100), 7.5, "diffusers, kohya");
  static final KeySpec PREVIEW_SAMPLING_STEPS =
      train("preview_sampling_steps", whole(1, 1000), 20L, "Flora");
  static final KeySpec PREVIEW_SEED = train("preview_seed", whole(0, Long.MAX_VALUE), null, "seed");
  static final KeySpec PREVIEW_AT_FIRST =
      train("preview_at_first", flag(), false, "kohya").kohya("sample_at_first");

  static final KeySpec SEED =
      train("seed", whole(0, Long.MAX_VALUE), 0L, "Flora: the same request makes the same adapter")
          .both("seed");

  private RunKeys() {}
}
