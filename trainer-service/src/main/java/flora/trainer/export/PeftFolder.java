package flora.trainer.export;

import flora.models.lora.LoraKeys;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One network's part of an adapter as peft's {@code save_pretrained} leaves it: {@code
 * adapter_config.json} and {@code adapter_model.safetensors} with {@code
 * base_model.model.….to_q.lora_A.weight} and {@code lora_B.weight}.
 */
final class PeftFolder {

  static final String CONFIG = "adapter_config.json";
  static final String MODEL = "adapter_model.safetensors";

  private PeftFolder() {}

  static void write(
      Adapter.Part part,
      Map<String, String> metadata,
      @Nullable String baseModel,
      @Nullable String revision,
      SavePrecision precision,
      Path folder) {
    var writer = new SafetensorsWriter();
    metadata.forEach(writer::metadata);
    for (var pair : part.pairs()) {
      var a = LoraKeys.PEFT.a(part.network(), pair.module());
      var b = LoraKeys.PEFT.b(part.network(), pair.module());
      Tensors.add(writer, a, pair.down(), precision);
      Tensors.add(writer, b, pair.up(), precision);
    }
    writer.writeTo(folder.resolve(MODEL));
    var more = new TreeMap<String, @Nullable Object>();
    more.put("auto_mapping", network(part));
    more.put("base_model_name_or_path", baseModel);
    more.put("inference_mode", true);
    more.put("modules_to_save", null);
    more.put("revision", revision);
    more.put("task_type", null);
    try {
      Files.writeString(
          folder.resolve(CONFIG), PeftSettings.json(PeftSettings.of(part, more)) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> network(Adapter.Part part) {
    var network = new TreeMap<String, String>();
    switch (part.network()) {
      case UNET -> {
        network.put("base_model_class", "UNet2DConditionModel");
        network.put("parent_library", "diffusers.models.unets.unet_2d_condition");
      }
      case TEXT_ENCODER -> {
        network.put("base_model_class", "CLIPTextModel");
        network.put("parent_library", "transformers.models.clip.modeling_clip");
      }
    }
    return network;
  }
}
