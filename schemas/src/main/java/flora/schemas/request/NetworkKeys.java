package flora.schemas.request;

import static flora.schemas.request.KeySpec.train;
import static flora.schemas.request.Shapes.*;

import java.util.List;

/** The keys of {@code train} that say what is trained, and what a good answer is. */
final class NetworkKeys {

  /** sd-scripts' layers: everything linear in a transformer block, and what leads into it. */
  private static final List<String> TRANSFORMER =
      List.of(
          "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out");

  private static final List<String> ATTENTION = List.of("to_q", "to_k", "to_v", "to_out.0");

  static final KeySpec PRESET =
      train("preset", choice(Presets.NAMES), Presets.DEFAULT, "Flora").flat("lora_preset");
  static final KeySpec TASK =
      train(
              "task",
              choice(
                  "text-to-image",
                  "adapter-merge",
                  "adapter-convert",
                  "causal-lm",
                  "image-classification"),
              "text-to-image",
              "Flora")
          .theirs("task_type");
  static final KeySpec ADAPTERS =
      train("adapters", new Shape.TextList(16, 300, false), null, "none");
  static final KeySpec ADAPTER_FORMS =
      train("adapter_forms", new Shape.TextList(3, 20, true), null, "all three");
  static final KeySpec LORA_RANK =
      train("lora_rank", whole(1, 1024), 8L, "the articles; diffusers and kohya 4")
          .flat("lora_rank", "r")
          .kohya("network_dim")
          .diffusers("rank")
          .bothDefault(4L);
  static final KeySpec LORA_ALPHA =
      train(
              "lora_alpha",
              above(0, 65_536),
              null,
              "2 × lora_rank, the articles; diffusers lora_rank, kohya 1")
          .kohya("network_alpha")
          .kohyaDefault(1.0);
  static final KeySpec LORA_DROPOUT =
      train("lora_dropout", new Shape.Decimal(0, true, 1, false), 0.1, "the articles; else 0")
          .flat("lora_dropout", "dropout")
          .kohya("network_dropout")
          .bothDefault(0.0);
  static final KeySpec USE_RSLORA = train("use_rslora", flag(), false, "peft");
  static final KeySpec BIAS = train("bias", choice("none", "all", "lora_only"), "none", "peft");
  static final KeySpec TARGET_MODULES =
      train("target_modules", texts(), ATTENTION, "diffusers; kohya all of a transformer block")
          .flat("target_modules", "unet_target_modules")
          .kohyaDefault(TRANSFORMER);
  static final KeySpec CONV_RANK =
      train("conv_rank", whole(1, 1024), null, "none: convolutions are left as they are")
          .kohya("network_args.conv_dim");
  static final KeySpec CONV_ALPHA =
      train("conv_alpha", above(0, 65_536), null, "conv_rank; kohya 1")
          .kohya("network_args.conv_alpha");
  static final KeySpec TRAIN_UNET =
      train("train_unet", flag(), true, "diffusers, kohya")
          .kohya("network_train_text_encoder_only");
  static final KeySpec TRAIN_TEXT_ENCODER =
      train("train_text_encoder", flag(), false, "diffusers; kohya true")
          .diffusers("train_text_encoder")
          .kohya("network_train_unet_only")
          .kohyaDefault(true);
  static final KeySpec TEXT_ENCODER_TARGET_MODULES =
      train(
              "text_encoder_target_modules",
              texts(),
              List.of("q_proj", "k_proj", "v_proj", "out_proj"),
              "diffusers; kohya fc1 and fc2, too")
          .kohyaDefault(List.of("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"));
  static final KeySpec INIT_ADAPTER =
      train("init_adapter", text("an adapter"), null, "none").kohya("network_weights");

  static final KeySpec PREDICTION_TYPE =
      train("prediction_type", choice("epsilon", "sample", "v_prediction"), null, "the model's own")
          .kohya("v_parameterization")
          .diffusers("prediction_type");
  static final KeySpec SNR_GAMMA =
      train("snr_gamma", above(0, 1e6), null, "none, as diffusers and kohya")
          .kohya("min_snr_gamma")
          .diffusers("snr_gamma");
  static final KeySpec NOISE_OFFSET =
      train("noise_offset", within(0, 1), 0.0, "diffusers, kohya").both("noise_offset");
  static final KeySpec LOSS_TYPE =
      train("loss_type", choice("l2", "huber", "smooth_l1", "l1"), "l2", "kohya, diffusers")
          .kohya("loss_type");
  static final KeySpec HUBER_C = train("huber_c", above(0, 1e6), 0.1, "kohya").kohya("huber_c");
  static final KeySpec HUBER_SCHEDULE =
      train("huber_schedule", choice("constant", "exponential", "snr"), "snr", "kohya")
          .kohya("huber_schedule");
  static final KeySpec MIN_TIMESTEP =
      train("min_timestep", whole(0, 999), null, "none: 0").kohya("min_timestep");
  static final KeySpec MAX_TIMESTEP =
      train("max_timestep", whole(1, 1000), null, "none: all of the schedule")
          .kohya("max_timestep");
  static final KeySpec ZERO_TERMINAL_SNR =
      train("zero_terminal_snr", flag(), false, "kohya; the model's scheduler may say so itself")
          .kohya("zero_terminal_snr");

  private NetworkKeys() {}
}
