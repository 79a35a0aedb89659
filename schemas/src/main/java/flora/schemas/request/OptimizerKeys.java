package flora.schemas.request;

import static flora.schemas.request.KeySpec.train;
import static flora.schemas.request.Shapes.*;

/**
 * The keys of {@code train} that say how it is learned, and for how long. <i>AdamW</i> is {@code
 * torch.optim.AdamW}.
 */
final class OptimizerKeys {

  static final KeySpec BATCH_SIZE =
      train("batch_size", whole(1, 1024), 1L, "kohya; diffusers 16")
          .flat("batch_size", "train_batch_size")
          .theirs("per_device_train_batch_size")
          .both("train_batch_size")
          .diffusersDefault(16L);
  static final KeySpec BATCH_SIZE_AUTO =
      train("batch_size_auto", flag(), false, "Flora").notYet(false);
  static final KeySpec GRADIENT_ACCUMULATION_STEPS =
      train("gradient_accumulation_steps", whole(1, 4096), 1L, "diffusers, kohya")
          .both("gradient_accumulation_steps");
  static final KeySpec EPOCHS =
      train("epochs", whole(1, 100_000), null, "none; diffusers 100")
          .theirs("num_epochs")
          .kohya("max_train_epochs")
          .diffusers("num_train_epochs")
          .diffusersDefault(100L);
  static final KeySpec MAX_TRAIN_STEPS =
      train(
              "max_train_steps",
              whole(1, 10_000_000),
              null,
              "1000 when there are no epochs either; kohya 1600")
          .theirs("max_steps")
          .both("max_train_steps")
          .kohyaDefault(1600L);
  static final KeySpec MAX_TRAIN_TIME = train("max_train_time", new Shape.Time(), null, "none");
  static final KeySpec LEARNING_RATE =
      train("learning_rate", above(0, 10), 2e-4, "the articles; diffusers 1e-4, kohya 2e-6")
          .theirs("lr")
          .kohya("unet_lr")
          .diffusers("learning_rate")
          .kohyaDefault(2e-6)
          .diffusersDefault(1e-4);
  static final KeySpec TEXT_ENCODER_LR =
      train("text_encoder_lr", above(0, 10), null, "learning_rate").both("text_encoder_lr");
  static final KeySpec LR_SCHEDULER =
      train(
              "lr_scheduler",
              choice(
                  "constant",
                  "constant_with_warmup",
                  "cosine",
                  "linear",
                  "cosine_with_restarts",
                  "polynomial"),
              "constant",
              "diffusers, kohya")
          .theirs("lr_scheduler_type")
          .both("lr_scheduler");
  static final KeySpec LR_WARMUP_STEPS =
      train("lr_warmup_steps", new Shape.Steps(10_000_000), 0L, "kohya; diffusers 500")
          .theirs("warmup_steps")
          .both("lr_warmup_steps")
          .diffusersDefault(500L);
  static final KeySpec LR_WARMUP_RATIO =
      train("lr_warmup_ratio", new Shape.Decimal(0, false, 1, false), null, "none")
          .theirs("warmup_ratio");
  static final KeySpec LR_NUM_CYCLES =
      train("lr_num_cycles", whole(1, 10_000), 1L, "diffusers, kohya")
          .kohya("lr_scheduler_num_cycles")
          .diffusers("lr_num_cycles");
  static final KeySpec LR_POWER =
      train("lr_power", above(0, 100), 1.0, "diffusers, kohya")
          .kohya("lr_scheduler_power")
          .diffusers("lr_power");
  static final KeySpec ADAM_BETA1 =
      train("adam_beta1", new Shape.Decimal(0, true, 1, false), 0.9, "diffusers, AdamW")
          .kohya("optimizer_args.beta1")
          .diffusers("adam_beta1");
  static final KeySpec ADAM_BETA2 =
      train("adam_beta2", new Shape.Decimal(0, true, 1, false), 0.999, "diffusers, AdamW")
          .kohya("optimizer_args.beta2")
          .diffusers("adam_beta2");
  static final KeySpec ADAM_EPSILON =
      train("adam_epsilon", above(0, 1), 1e-8, "diffusers, AdamW")
          .kohya("optimizer_args.eps")
          .diffusers("adam_epsilon");
  static final KeySpec WEIGHT_DECAY =
      train("weight_decay", within(0, 1), 1e-2, "diffusers, AdamW")
          .kohya("optimizer_args.weight_decay")
          .diffusers("adam_weight_decay");
  static final KeySpec MAX_GRAD_NORM =
      train("max_grad_norm", above(0, 1e6), 1.0, "diffusers, kohya").both("max_grad_norm");
  static final KeySpec EMA_DECAY =
      train("ema_decay", new Shape.Decimal(0, false, 1, false), null, "none").diffusers("use_ema");

  private OptimizerKeys() {}
}
