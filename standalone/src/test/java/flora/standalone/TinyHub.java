package flora.standalone;

import flora.fakehub.FakeHub;
import java.nio.file.Path;

/** A hub on loopback with the tiny models that the parity tests know. */
final class TinyHub {

  static final String SD = "tiny-research/tiny-sd";
  static final String CLIP = "tiny-research/tiny-clip";
  static final Path PARITY = Path.of("..", "models", "src", "test", "resources", "parity");

  private TinyHub() {}

  static FakeHub start() {
    return FakeHub.start(0)
        .repo(SD, PARITY.resolve("models/tiny-sd"))
        .repo(CLIP, PARITY.resolve("models/tiny-clip"));
  }

  /** The flat form of a request for the tiny models. */
  static String config(String name, String dataset, int steps, int saveSteps) {
    return """
        train_data_dir: ./data/%s
        base_model: %s
        lora_rank: 4
        lora_alpha: 8
        unet_target_modules: [to_q, to_k, to_v, to_out.0]
        batch_size: 2
        resolution: 64
        max_train_steps: %d
        learning_rate: 1e-3
        output_dir: ./output/%s
        save_steps: %d
        dataset:
          label: { labeler: clip, model: %s, labels: [a red circle, a blue square], trigger_word: zebra }
        """
        .formatted(dataset, SD, steps, name, saveSteps, CLIP);
  }
}
