package flora.schemas.request;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
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
    add("validation_prompt validation_prompts num_validation_images validation_epochs");
    add("validation_steps cache_dir image_interpolation_mode gradient_checkpointing scale_lr");
    add("allow_tf32 dataloader_num_workers use_8bit_adam prediction_type hub_token push_to_hub");
    add("hub_model_id report_to local_rank checkpoints_total_limit resume_from_checkpoint");
    add("enable_xformers_memory_efficient_attention noise_offset input_perturbation use_ema");
    add("train_text_encoder text_encoder_lr dream_training dream_detail_preservation");
    add("instance_prompt class_prompt class_data_dir with_prior_preservation prior_loss_weight");
    add("num_class_images lr_num_cycles lr_power optimizer prodigy_beta3 proportion_empty_prompts");
    // kohya-ss/sd-scripts: train_network.py
    add("network_module network_args network_weights network_train_unet_only");
    add("network_train_text_encoder_only scale_weight_norms base_weights dim_from_weights");
    add("train_unet_only train_text_encoder_only stop_text_encoder_training v2 v_parameterization");
    add("dataset_config reg_data_dir dataset_repeats caption_extension caption_dropout_rate");
    add("caption_dropout_every_n_epochs caption_tag_dropout_rate shuffle_caption keep_tokens");
    add("token_warmup_min token_warmup_step color_aug random_crop face_crop_aug_range");
    add("enable_bucket min_bucket_reso max_bucket_reso bucket_reso_steps bucket_no_upscale");
    add("cache_latents cache_latents_to_disk vae_batch_size clip_skip max_token_length");
    add("optimizer_type optimizer_args lr_scheduler_args lr_scheduler_num_cycles");
    add(
        "lr_scheduler_power lowram highvram mem_eff_attn xformers sdpa full_fp16 full_bf16 fp8_base");
    add("save_every_n_epochs save_n_epoch_ratio save_last_n_steps save_last_n_epochs save_state");
    add("save_precision save_model_as save_state_on_train_end resume log_with log_prefix");
    add("sample_every_n_steps sample_every_n_epochs sample_at_first sample_prompts sample_sampler");
    add("multires_noise_iterations multires_noise_discount adaptive_noise_scale ip_noise_gamma");
    add("zero_terminal_snr min_timestep max_timestep loss_type huber_c huber_schedule");
    add("masked_loss weighted_captions debiased_estimation_loss persistent_data_loader_workers");
    add("max_data_loader_n_workers no_half_vae no_metadata training_comment initial_epoch");
    // peft: LoraConfig
    add("use_rslora use_dora init_lora_weights rank_pattern alpha_pattern modules_to_save");
    add("layers_to_transform layers_pattern fan_in_fan_out exclude_modules lora_bias loftq_config");
    add("text_encoder_target_modules load_in_8bit load_in_4bit bf16 tf32");
    // transformers: TrainingArguments
    add("eval_steps eval_strategy logging_steps save_strategy save_total_limit warmup_ratio");
    add("max_length max_seq_length load_best_model_at_end early_stopping_patience deepspeed fsdp");
    // announced by Flora
    add("resume_from init_from preview preview_steps validation webhooks priority tags device");
    add("devices conv_rank conv_alpha train_unet init_adapter batch_size_auto max_train_time");
    add("lr_warmup_ratio ema_decay resolution_height repeats keep_tokens_separator");
    add("caption_separator checkpoints_to_keep validation_split");
    add("validation_seed preview_prompts preview_sampler preview_guidance preview_sampling_steps");
    add("preview_seed preview_at_first");
  }

  private UnsupportedKeys() {}

  private static void add(String names) {
    OPTIONS.addAll(List.of(names.split(" ")));
  }

  /** Whether a name is an option of a tool that people come from. */
  static boolean contains(String name) {
    return OPTIONS.contains(name);
  }

  /** The key of ours that other tools call so. */
  static Optional<RequestKey> calledElsewhere(String name) {
    for (var key : RequestKey.values()) {
      if (key.foreign().contains(name)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }
}
