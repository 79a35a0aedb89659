package flora.trainer.export;

import static flora.models.lora.LoraKeys.Network.UNET;

import flora.models.lora.LoraKeys;
import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * An adapter in the keys of diffusers' {@code save_lora_weights}: {@code
 * unet.mid_block.….to_q.lora.down.weight} and {@code .up.weight}.
 *
 * <p>These keys hold no alpha. Without {@code lora_adapter_metadata} in the header diffusers takes
 * alpha = rank, so the metadata are always written.
 */
final class DiffusersFile {

  private DiffusersFile() {}

  static void write(Adapter adapter, Provenance provenance, Path file) {
    var writer = new SafetensorsWriter();
    provenance.metadata().forEach(writer::metadata);
    writer.metadata("lora_adapter_metadata", LoraConfig.json(adapter, "unet.", Map.of()));
    for (var pair : adapter.pairs()) {
      writer.add(
          LoraKeys.DIFFUSERS.a(UNET, pair.module()), pair.down().shape(), pair.down().values());
      writer.add(LoraKeys.DIFFUSERS.b(UNET, pair.module()), pair.up().shape(), pair.up().values());
    }
    writer.writeTo(file);
  }

  static List<Adapter.Pair> read(Path path, Collection<String> modules) {
    try (var file = SafetensorsFile.open(path)) {
      var pairs = new ArrayList<Adapter.Pair>();
      for (var module : modules) {
        pairs.add(
            new Adapter.Pair(
                module,
                Tensors.read(file, LoraKeys.DIFFUSERS.a(UNET, module)),
                Tensors.read(file, LoraKeys.DIFFUSERS.b(UNET, module))));
      }
      return pairs;
    }
  }
}
