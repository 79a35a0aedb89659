package flora.schemas.request;

import flora.schemas.document.Node;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Options of other tools that ask for what is done anyway, or for nothing that changes what comes
 * out. They are accepted and told of; with a value that is not fulfilled they are not.
 */
final class Fulfilled {

  /**
   * @param words values that are fulfilled; null = whatever is said there
   * @param sentence what is done; empty = nothing worth telling
   */
  private record Option(@Nullable List<String> words, String sentence) {}

  private static final Map<String, Option> OPTIONS = new HashMap<>();

  static {
    any("attention is computed in blocks, without its matrix, whoever asks")
        .of("xformers sdpa mem_eff_attn enable_xformers_memory_efficient_attention");
    any("what moves between devices is up to the trainer").of("lowram highvram");
    any("pictures are encoded once and kept")
        .of("cache_latents cache_latents_to_disk vae_batch_size");
    any("the VAE computes in fp32").of("no_half_vae");
    any("pictures are read ahead as the machine allows")
        .of(
            "max_data_loader_n_workers persistent_data_loader_workers dataloader_num_workers"
                + " dataloader_pin_memory");
    any("every checkpoint holds all that training goes on from")
        .of("save_state save_state_on_train_end");
    any("the run goes on by itself after a crash, and says where it is").of("ddp_timeout");
    any("is for those who read the request").of("training_comment");
    words("", "networks.lora").of("network_module");
    words("", "adamw").of("optimizer_type optimizer");
    words("", "safetensors").of("save_model_as");
    words("", ".txt", ".caption").of("caption_extension");
    words("", "image").of("image_column");
    words("", "text").of("caption_column");
    words("", "no").of("dynamo_backend");
    words("there are no pictures of a class to weigh", "1", "1.0").of("prior_loss_weight");
    words(
            "the run keeps its logs: metrics.jsonl and TensorBoard's file are among its artifacts",
            "tensorboard")
        .of("log_with report_to");
  }

  private Fulfilled() {}

  /** What is said of an option that is fulfilled; empty text = nothing; empty = it is not. */
  static Optional<String> find(String name, Node node) {
    var option = OPTIONS.get(name);
    if (option == null || !(node instanceof Node.Scalar(String text, Node.Style _))) {
      return Optional.empty();
    }
    boolean isSo = option.words() == null || option.words().contains(text.toLowerCase(Locale.ROOT));
    return isSo ? Optional.of(option.sentence()) : Optional.empty();
  }

  /** Whether a name is one of them. */
  static boolean contains(String name) {
    return OPTIONS.containsKey(name);
  }

  private static Named any(String sentence) {
    return names -> put(names, new Option(null, sentence));
  }

  private static Named words(String sentence, String... words) {
    return names -> put(names, new Option(List.of(words), sentence));
  }

  private static void put(String names, Option option) {
    for (var name : names.split(" ")) {
      OPTIONS.put(name, option);
    }
  }

  private interface Named {
    void of(String names);
  }
}
