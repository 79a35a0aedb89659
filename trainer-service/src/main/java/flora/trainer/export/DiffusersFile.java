package flora.trainer.export;

import flora.models.lora.LoraKeys;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An adapter in the keys of diffusers' {@code save_lora_weights}: {@code
 * unet.mid_block.….to_q.lora.down.weight} and {@code .up.weight}.
 *
 * <p>These keys hold no alpha. Without {@code lora_adapter_metadata} in the header diffusers takes
 * alpha = rank, so the metadata are always written.
 */
final class DiffusersFile {

  private DiffusersFile() {}

  static void write(
      Adapter adapter, Map<String, String> metadata, SavePrecision precision, Path file) {
    var writer = new SafetensorsWriter();
    metadata.forEach(writer::metadata);
    var settings = new TreeMap<String, @Nullable Object>();
    for (var part : adapter.parts()) {
      PeftSettings.folded(part)
          .forEach((name, value) -> settings.put(part.network().word() + "." + name, value));
      for (var pair : part.pairs()) {
        var a = LoraKeys.DIFFUSERS.a(part.network(), pair.module());
        var b = LoraKeys.DIFFUSERS.b(part.network(), pair.module());
        Tensors.add(writer, a, pair.down(), precision);
        Tensors.add(writer, b, pair.up(), precision);
      }
    }
    writer.metadata("lora_adapter_metadata", PeftSettings.json(settings));
    writer.writeTo(file);
  }
}
