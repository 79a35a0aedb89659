package flora.schemas.request;

import flora.schemas.document.Node;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Names that mean something to people who train LoRAs and that this version does not act on. They
 * are refused by name, because to ignore one would train something else than was asked for.
 */
final class UnsupportedKeys {

  private static final Set<String> OPTIONS = new LinkedHashSet<>();

  static {
    // diffusers: train_text_to_image_lora.py and the arguments it shares with its siblings
    add("revision variant dataset_config_name image_column caption_column max_train_samples");
    add("validation_prompts num_validation_images validation_epochs");
    add("validation_steps cache_dir image_interpolation_mode scale_lr");
    add("allow_tf32 dataloader_num_workers use_8bit_adam hub_token push_to_hub");
    add("hub_model_id report_to local_rank resume_from_checkpoint");
    add("enable_xformers_memory_efficient_attention input_perturbation");
    add("dream_training dream_detail_preservation");
    add("instance_prompt class_prompt class_data_dir with_prior_preservation prior_loss_weight");
    add("num_class_images optimizer prodigy_beta3");
    // kohya-ss/sd-scripts: train_network.py
    add("network_module network_args");
    add("scale_weight_norms base_weights dim_from_weights");
    add("train_unet_only train_text_encoder_only stop_text_encoder_training v2");
    add("dataset_config reg_data_dir caption_extension");
    add("token_warmup_min token_warmup_step color_aug face_crop_aug_range");
    add("cache_latents cache_latents_to_disk vae_batch_size");
    add("optimizer_type optimizer_args lr_scheduler_args");
    add("lowram highvram mem_eff_attn xformers sdpa full_fp16 full_bf16 fp8_base");
    add("save_n_epoch_ratio save_last_n_steps save_state");
    add("save_model_as save_state_on_train_end resume log_with log_prefix");
    add("sample_every_n_epochs sample_prompts");
    add("multires_noise_iterations multires_noise_discount adaptive_noise_scale ip_noise_gamma");
    add("masked_loss weighted_captions debiased_estimation_loss persistent_data_loader_workers");
    add("max_data_loader_n_workers no_half_vae no_metadata training_comment initial_epoch");
    // peft: LoraConfig
    add("use_dora init_lora_weights rank_pattern alpha_pattern modules_to_save");
    add("layers_to_transform layers_pattern fan_in_fan_out exclude_modules lora_bias loftq_config");
    add("load_in_8bit load_in_4bit bf16 tf32");
    // transformers: TrainingArguments
    add("eval_strategy logging_steps save_strategy");
    add("max_length max_seq_length load_best_model_at_end deepspeed fsdp");
    // announced by Flora
    add("resume_from init_from preview validation webhooks priority tags");
  }

  private UnsupportedKeys() {}

  private static void add(String names) {
    OPTIONS.addAll(List.of(names.split(" ")));
  }

  /** Whether a name is an option of a tool that people come from. */
  static boolean contains(String name) {
    return OPTIONS.contains(name);
  }

  /**
   * Whether an option is switched off where it stands: then nothing would be ignored. False is what
   * all of them are where they are not written, but for how weights begin.
   */
  static boolean asksForNothing(String name, Node node) {
    return node.isNull()
        || (Boolean.FALSE.equals(new Shape.Flag().readOrNull(node))
            && !name.equals("init_lora_weights"));
  }
}
