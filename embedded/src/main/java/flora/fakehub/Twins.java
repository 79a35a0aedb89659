package flora.fakehub;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** What real repositories carry besides the files that one wants. */
final class Twins {

  private static final long LARGEST = 64L << 20;
  private static final String SAFETENSORS = ".safetensors";

  private Twins() {}

  static Map<String, Blob> of(Map<String, Blob> files) {
    var twins = new TreeMap<String, Blob>();
    files.forEach(
        (path, blob) -> {
          if (path.endsWith(SAFETENSORS) && !path.contains("-of-")) {
            addOtherFormats(twins, path, blob.size());
          }
        });
    if (files.containsKey("model_index.json")) {
      long size = twins.values().stream().mapToLong(Blob::size).max().orElse(1 << 20);
      noise(twins, "safety_checker/model.safetensors", size);
      noise(twins, "safety_checker/pytorch_model.bin", size);
      text(twins, "safety_checker/config.json", "{\"model_type\": \"clip\"}\n");
      text(twins, "feature_extractor/preprocessor_config.json", "{\"crop_size\": 224}\n");
      noise(twins, "v1-5-pruned.ckpt", 2 * size);
      noise(twins, "v1-5-pruned-emaonly.safetensors", size);
      text(twins, "v1-inference.yaml", "model:\n  base_learning_rate: 1.0e-04\n");
    }
    text(twins, "README.md", "---\nlicense: other\n---\n\n# A model\n");
    text(
        twins,
        ".gitattributes",
        """
        *.bin filter=lfs diff=lfs merge=lfs -text
        *.safetensors filter=lfs diff=lfs merge=lfs -text
        """);
    return twins;
  }

  private static void addOtherFormats(Map<String, Blob> twins, String path, long size) {
    var folder = path.substring(0, path.lastIndexOf('/') + 1);
    var stem = path.substring(folder.length(), path.length() - SAFETENSORS.length());
    noise(twins, folder + stem + ".fp16.safetensors", size / 2);
    if (stem.equals("diffusion_pytorch_model")) {
      noise(twins, folder + stem + ".bin", size);
      noise(twins, folder + stem + ".fp16.bin", size / 2);
      if (folder.equals("unet/")) {
        noise(twins, folder + stem + ".non_ema.safetensors", size);
      }
      noise(twins, folder + "diffusion_flax_model.msgpack", size);
    } else if (stem.equals("model")) {
      noise(twins, folder + "pytorch_model.bin", size);
      noise(twins, folder + "flax_model.msgpack", size);
      noise(twins, folder + "tf_model.h5", size);
      noise(twins, folder + "rust_model.ot", size);
    }
    noise(twins, folder + "model.onnx", size);
  }

  private static void noise(Map<String, Blob> twins, String path, long size) {
    twins.put(path, Blob.noise(path.hashCode(), Math.min(size, LARGEST)));
  }

  private static void text(Map<String, Blob> twins, String path, String text) {
    twins.put(path, Blob.of(text.getBytes(StandardCharsets.UTF_8)));
  }
}
