package flora.trainer.export;

import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.schemas.Json;
import flora.schemas.request.ObjectivePlan.LossType;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What sd-scripts' {@code train_network.py} says of a training in the file's header, and <a
 * href="https://github.com/Stability-AI/ModelSpec">modelspec</a> 1.0.1, as far as they name no
 * time, no machine and no session: the same training gives the same bytes.
 */
final class KohyaMetadata {
  private final SortedMap<String, String> metadata;

  private KohyaMetadata(SortedMap<String, String> metadata) {
    this.metadata = metadata;
  }

  static SortedMap<String, String> of(Adapter adapter, Provenance provenance) {
    var all = new KohyaMetadata(provenance.metadata());
    all.model(provenance);
    all.network(adapter, provenance);
    all.optimizer(provenance, adapter);
    all.objective(provenance);
    all.pictures(provenance);
    all.captions(provenance);
    all.modelspec(provenance);
    return all.metadata;
  }

  private void model(Provenance provenance) {
    put("ss_output_name", provenance.name());
    put("ss_base_model_version", provenance.baseVersion());
    put("ss_sd_model_name", provenance.baseModel());
    put("ss_new_sd_model_hash", provenance.baseWeights().hex());
    var vae = provenance.shown().vae();
    if (vae != null) {
      put("ss_new_vae_hash", vae.hex());
    }
    put("ss_v2", provenance.baseVersion().startsWith("sd_v2"));
    put("ss_seed", provenance.plan().seed());
    put("ss_training_comment", null);
  }

  private void network(Adapter adapter, Provenance provenance) {
    var plan = provenance.plan().network();
    var first = adapter.parts().getFirst().config();
    LoraGroup group = first.groups().getFirst();
    put("ss_network_module", "networks.lora");
    put("ss_network_dim", group.rank());
    put("ss_network_alpha", first.scale(group) * group.rank());
    put("ss_network_dropout", first.dropout() == 0 ? null : first.dropout());
    Integer rank = plan.convRank();
    if (rank != null) {
      var args = new TreeMap<String, String>();
      args.put("conv_dim", rank.toString());
      args.put("conv_alpha", String.valueOf(plan.convAlpha()));
      put("ss_network_args", Json.mapper().writeValueAsString(args));
    }
  }

  private void optimizer(Provenance provenance, Adapter adapter) {
    var plan = provenance.plan().optimizer();
    double rate = plan.learningRate();
    Double text = plan.textEncoderLr();
    put("ss_learning_rate", rate);
    put("ss_unet_lr", adapter.part(Network.UNET).isPresent() ? rate : null);
    put(
        "ss_text_encoder_lr",
        adapter.part(Network.TEXT_ENCODER).isEmpty() ? null : text == null ? rate : text);
    put("ss_lr_scheduler", plan.lrScheduler().name().toLowerCase(Locale.ROOT));
    put("ss_lr_warmup_steps", plan.lrWarmupSteps());
    put("ss_optimizer", "torch.optim.adamw.AdamW");
    put("ss_max_grad_norm", plan.maxGradNorm());
    put("ss_max_train_steps", provenance.steps());
    put("ss_steps", provenance.steps());
    put("ss_num_epochs", provenance.epochs());
    put("ss_batch_size_per_device", plan.batchSize());
    put("ss_total_batch_size", plan.batchSize());
    put("ss_gradient_accumulation_steps", plan.gradientAccumulationSteps());
    put("ss_gradient_checkpointing", provenance.plan().compute().gradientCheckpointing());
    put(
        "ss_mixed_precision",
        provenance.plan().compute().mixedPrecision().name().toLowerCase(Locale.ROOT));
  }

  private void objective(Provenance provenance) {
    var plan = provenance.plan().objective();
    put("ss_min_snr_gamma", plan.snrGamma());
    put("ss_noise_offset", plan.noiseOffset() == 0 ? null : plan.noiseOffset());
    put("ss_zero_terminal_snr", plan.zeroTerminalSnr());
    put("ss_loss_type", plan.lossType().name().toLowerCase(Locale.ROOT));
    boolean huber = plan.lossType() == LossType.HUBER || plan.lossType() == LossType.SMOOTH_L1;
    if (huber) {
      put("ss_huber_c", plan.huberC());
      put("ss_huber_schedule", plan.huberSchedule().name().toLowerCase(Locale.ROOT));
    }
  }

  private void pictures(Provenance provenance) {
    var plan = provenance.plan().pictures();
    Integer height = plan.resolutionHeight();
    put(
        "ss_resolution",
        "(%d, %d)".formatted(plan.resolution(), height == null ? plan.resolution() : height));
    put("ss_num_train_images", provenance.pictures() * plan.repeats());
    put("ss_num_reg_images", 0);
    put("ss_random_crop", !plan.centerCrop());
    put("ss_flip_aug", plan.randomFlip());
    put("ss_color_aug", false);
    put("ss_enable_bucket", plan.enableBucket());
    put("ss_bucket_no_upscale", plan.bucketNoUpscale());
    put("ss_min_bucket_reso", plan.enableBucket() ? plan.minBucketReso() : null);
    put("ss_max_bucket_reso", plan.enableBucket() ? plan.maxBucketReso() : null);
    var shown = provenance.shown();
    if (!shown.cuts().isEmpty()) {
      if (plan.enableBucket()) {
        put("ss_bucket_info", shown.bucketInfo());
      }
      put("ss_tag_frequency", shown.tagFrequency(provenance.dataset()));
    }
    put(
        "ss_dataset_dirs",
        Json.mapper()
            .writeValueAsString(
                Map.of(
                    provenance.dataset(),
                    new DatasetFolder(plan.repeats(), provenance.pictures()))));
  }

  private void captions(Provenance provenance) {
    var plan = provenance.plan().captions();
    put("ss_clip_skip", plan.clipSkip() == 1 ? null : plan.clipSkip());
    put("ss_max_token_length", plan.maxTokenLength() == 75 ? null : plan.maxTokenLength());
    put("ss_shuffle_caption", plan.shuffleCaption());
    put("ss_keep_tokens", plan.keepTokens());
    put("ss_caption_dropout_rate", plan.captionDropoutRate());
    put("ss_caption_dropout_every_n_epochs", plan.captionDropoutEveryNEpochs());
    put("ss_caption_tag_dropout_rate", plan.captionTagDropoutRate());
  }

  private void modelspec(Provenance provenance) {
    var pictures = provenance.plan().pictures();
    Integer height = pictures.resolutionHeight();
    boolean velocity = provenance.predictionType().equals("v_prediction");
    put("modelspec.sai_model_spec", "1.0.1");
    put(
        "modelspec.architecture",
        (provenance.baseVersion().startsWith("sd_v2")
                ? velocity ? "stable-diffusion-v2-768-v" : "stable-diffusion-v2-512"
                : "stable-diffusion-v1")
            + "/lora");
    put("modelspec.implementation", "diffusers");
    put("modelspec.title", provenance.name());
    put(
        "modelspec.resolution",
        "%dx%d".formatted(pictures.resolution(), height == null ? pictures.resolution() : height));
    put("modelspec.prediction_type", velocity ? "v" : provenance.predictionType());
    int skip = provenance.plan().captions().clipSkip();
    if (skip > 1) {
      put("modelspec.encoder_layer", skip);
    }
  }

  /** As Python writes it. */
  private void put(String key, @Nullable Object value) {
    metadata.put(
        key,
        switch (value) {
          case null -> "None";
          case Boolean flag -> flag ? "True" : "False";
          default -> value.toString();
        });
  }

  /** As sd-scripts describe a folder of pictures. */
  private record DatasetFolder(int nRepeats, long imgCount) {}
}
