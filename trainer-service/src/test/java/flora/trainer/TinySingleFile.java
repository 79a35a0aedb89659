package flora.trainer;

import flora.models.ModelConfig;
import flora.models.clip.ClipTextConfig;
import flora.models.lora.LoraState;
import flora.models.singlefile.LdmKeys;
import flora.models.singlefile.SingleFile;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The tiny Stable Diffusion model as one file. */
public final class TinySingleFile {

  private TinySingleFile() {}

  /**
   * Writes it as most models are handed on: averaged weights beside, the autoencoder in fp32.
   *
   * @param type of the denoiser and the text encoder
   */
  public static void write(Path to, DType type) {
    var base = TinyRun.resource("parity/models/tiny-sd");
    var layout =
        new SingleFile(
            UNetConfig.read(base.resolve("unet/config.json")),
            VaeConfig.read(base.resolve("vae/config.json")),
            ClipTextConfig.of(ModelConfig.read(base.resolve("text_encoder/config.json"))),
            true,
            ModelConfig.read(base.resolve("scheduler/scheduler_config.json")));
    var writer = new SafetensorsWriter();
    writer.metadata("modelspec.hash_sha256", "0xabc").metadata("modelspec.title", "base");
    writer.add("model_ema.decay", List.of(), new float[] {0.9999f});
    add(writer, base.resolve("unet"), layout.unetKeys(), type);
    add(writer, base.resolve("vae"), layout.vaeKeys(), DType.F32);
    add(writer, base.resolve("text_encoder"), layout.textKeys(), type);
    writer.writeTo(to);
  }

  private static void add(SafetensorsWriter writer, Path part, LdmKeys keys, DType type) {
    try (var weights = Checkpoint.open(part)) {
      for (var name : weights.names()) {
        var values = LoraState.Matrix.read(weights, name).values();
        var bytes =
            ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
          switch (type) {
            case F16 -> bytes.putShort(Float.floatToFloat16(value));
            case BF16 -> bytes.putShort((short) (Float.floatToIntBits(value) >>> 16));
            default -> bytes.putFloat(value);
          }
        }
        var stored = keys.stored(name);
        var shape = new ArrayList<>(weights.info(name).shape());
        if (stored.contains("attn_1") && shape.size() == 2) {
          shape.addAll(List.of(1L, 1L));
        }
        writer.add(stored, type, shape, out -> out.write(bytes.array()));
      }
    }
  }

  /** Changes a file of a model. */
  static void rewrite(Path file, String pattern, String replacement) throws IOException {
    var before = Files.readString(file);
    var after = before.replaceAll(pattern, replacement);
    if (after.equals(before)) {
      throw new AssertionError(file + " does not say " + pattern);
    }
    Files.writeString(file, after);
  }
}
