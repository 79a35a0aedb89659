package flora.schemas.request;

import static flora.schemas.request.KeySpec.train;
import static flora.schemas.request.Shapes.*;

/** The keys of {@code train} that say how pictures are cut and what becomes of captions. */
final class DataKeys {

  static final KeySpec RESOLUTION =
      train("resolution", new Shape.Side(16, 4096, 8), 512L, "diffusers; kohya where it says none")
          .both("resolution");
  static final KeySpec RESOLUTION_HEIGHT =
      train("resolution_height", new Shape.Whole(16, 4096, 8), null, "resolution").notYet(null);
  static final KeySpec ENABLE_BUCKET =
      train("enable_bucket", flag(), false, "kohya").kohya("enable_bucket");
  static final KeySpec MIN_BUCKET_RESO =
      train("min_bucket_reso", whole(16, 4096), 256L, "kohya").kohya("min_bucket_reso");
  static final KeySpec MAX_BUCKET_RESO =
      train("max_bucket_reso", whole(16, 4096), 1024L, "kohya").kohya("max_bucket_reso");
  static final KeySpec BUCKET_RESO_STEPS =
      train("bucket_reso_steps", whole(8, 1024), 64L, "kohya").kohya("bucket_reso_steps");
  static final KeySpec BUCKET_NO_UPSCALE =
      train("bucket_no_upscale", flag(), false, "kohya").kohya("bucket_no_upscale");
  static final KeySpec CENTER_CROP =
      train("center_crop", flag(), true, "kohya; diffusers false")
          .kohya("random_crop")
          .diffusers("center_crop")
          .diffusersDefault(false);
  static final KeySpec RANDOM_FLIP =
      train("random_flip", flag(), false, "diffusers, kohya")
          .kohya("flip_aug")
          .diffusers("random_flip");
  static final KeySpec REPEATS =
      train("repeats", whole(1, 10_000), 1L, "kohya").kohya("num_repeats", "dataset_repeats");

  static final KeySpec CAPTION_DROPOUT_RATE =
      train("caption_dropout_rate", within(0, 1), 0.0, "kohya")
          .kohya("caption_dropout_rate")
          .diffusers("proportion_empty_prompts");
  static final KeySpec CAPTION_DROPOUT_EVERY_N_EPOCHS =
      train("caption_dropout_every_n_epochs", whole(0, 100_000), 0L, "kohya")
          .kohya("caption_dropout_every_n_epochs");
  static final KeySpec CAPTION_TAG_DROPOUT_RATE =
      train("caption_tag_dropout_rate", within(0, 1), 0.0, "kohya")
          .kohya("caption_tag_dropout_rate");
  static final KeySpec SHUFFLE_CAPTION =
      train("shuffle_caption", flag(), false, "kohya").kohya("shuffle_caption");
  static final KeySpec KEEP_TOKENS =
      train("keep_tokens", whole(0, 225), 0L, "kohya").kohya("keep_tokens");
  static final KeySpec KEEP_TOKENS_SEPARATOR =
      train("keep_tokens_separator", text("what stands between"), null, "none")
          .kohya("keep_tokens_separator");
  static final KeySpec CAPTION_SEPARATOR =
      train("caption_separator", text("what stands between"), ",", "kohya")
          .kohya("caption_separator");
  static final KeySpec CAPTION_PREFIX =
      train("caption_prefix", text("a few words"), null, "none").kohya("caption_prefix");
  static final KeySpec CAPTION_SUFFIX =
      train("caption_suffix", text("a few words"), null, "none").kohya("caption_suffix");
  static final KeySpec MAX_TOKEN_LENGTH =
      train("max_token_length", new Shape.Whole(75, 225, 75), 75L, "kohya where it says none")
          .kohya("max_token_length");
  static final KeySpec CLIP_SKIP =
      train("clip_skip", whole(1, 12), 1L, "kohya where it says none").kohya("clip_skip");

  private DataKeys() {}
}
