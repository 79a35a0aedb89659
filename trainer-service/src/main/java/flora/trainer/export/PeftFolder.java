package flora.trainer.export;

import static flora.models.lora.LoraKeys.Network.UNET;

import flora.models.lora.LoraKeys;
import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An adapter as peft's {@code save_pretrained} leaves it: {@code adapter_config.json} and {@code
 * adapter_model.safetensors} with {@code base_model.model.….to_q.lora_A.weight} and {@code
 * lora_B.weight}.
 */
final class PeftFolder {

  static final String CONFIG = "adapter_config.json";
  static final String MODEL = "adapter_model.safetensors";

  private PeftFolder() {}

  static void write(Adapter adapter, Provenance provenance, Path folder) {
    var writer = new SafetensorsWriter();
    provenance.metadata().forEach(writer::metadata);
    for (var pair : adapter.pairs()) {
      writer.add(LoraKeys.PEFT.a(UNET, pair.module()), pair.down().shape(), pair.down().values());
      writer.add(LoraKeys.PEFT.b(UNET, pair.module()), pair.up().shape(), pair.up().values());
    }
    writer.writeTo(folder.resolve(MODEL));
    var more = new TreeMap<String, @Nullable Object>();
    var network = new TreeMap<String, String>();
    network.put("base_model_class", "UNet2DConditionModel");
    network.put("parent_library", "diffusers.models.unets.unet_2d_condition");
    more.put("auto_mapping", network);
    more.put("base_model_name_or_path", provenance.baseModel());
    more.put("inference_mode", true);
    more.put("modules_to_save", null);
    more.put("revision", provenance.baseCommit());
    more.put("task_type", null);
    try {
      Files.writeString(folder.resolve(CONFIG), LoraConfig.json(adapter, "", more) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Adapter.Pair> read(Path folder, Collection<String> modules) {
    try (var file = SafetensorsFile.open(folder.resolve(MODEL))) {
      var pairs = new ArrayList<Adapter.Pair>();
      for (var module : modules) {
        pairs.add(
            new Adapter.Pair(
                module,
                Tensors.read(file, LoraKeys.PEFT.a(UNET, module)),
                Tensors.read(file, LoraKeys.PEFT.b(UNET, module))));
      }
      return pairs;
    }
  }
}
