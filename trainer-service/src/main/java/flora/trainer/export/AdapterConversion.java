package flora.trainer.export;

import flora.models.lora.LoraKeys.Network;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes an adapter in the keys of another program. It acts as before: ranks, alphas and the rule
 * of the scale are carried over, matrices keep their bits unless another precision is asked for.
 */
public final class AdapterConversion {

  /** The programs whose keys are written. */
  public enum Form {
    KOHYA,
    DIFFUSERS,
    PEFT
  }

  /** What no longer holds of the file that is written, or is written anew. */
  private static final Set<String> STALE =
      Set.of(
          "lora_adapter_metadata", "sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256");

  private AdapterConversion() {}

  /**
   * Reads, writes, reads back.
   *
   * @param from a file or peft's folder
   * @param layers the paths of the networks' layers, see {@link AdapterFiles#layers}
   * @param precision of the matrices; null = as they are stored
   * @param to a file; for peft a folder, in which each network gets its own
   * @return what was written
   * @throws ExportException when a weight does not fit the precision
   */
  public static List<Path> convert(
      Path from,
      Map<Network, ? extends Collection<String>> layers,
      Form form,
      @Nullable SavePrecision precision,
      Path to) {
    var adapter = AdapterFiles.read(from, layers);
    var stored = precision == null ? precision(from) : precision;
    AdapterExport.check(adapter, stored);
    var metadata = metadata(from);
    parents(form == Form.PEFT ? to.resolve("x") : to);
    var written = new ArrayList<Path>();
    switch (form) {
      case KOHYA -> {
        KohyaFile.write(adapter, kohya(adapter, metadata), stored, to);
        written.add(to);
      }
      case DIFFUSERS -> {
        DiffusersFile.write(adapter, metadata, stored, to);
        written.add(to);
      }
      case PEFT -> {
        for (var part : adapter.parts()) {
          var folder = to.resolve(part.network().word());
          parents(folder.resolve(PeftFolder.MODEL));
          PeftFolder.write(part, metadata, null, null, stored, folder);
          written.add(folder.resolve(PeftFolder.MODEL));
          written.add(folder.resolve(PeftFolder.CONFIG));
        }
      }
    }
    for (var part : adapter.parts()) {
      var file =
          form == Form.PEFT ? to.resolve(part.network().word()).resolve(PeftFolder.MODEL) : to;
      AdapterExport.compare(part, stored, file);
    }
    return List.copyOf(written);
  }

  private static SavePrecision precision(Path from) {
    try (var file = Checkpoint.open(AdapterFiles.files(from).getFirst())) {
      var widest =
          file.names().stream()
              .filter(name -> file.info(name).shape().size() > 1)
              .map(name -> file.info(name).dtype())
              .distinct()
              .toList();
      return widest.equals(List.of(DType.F16))
          ? SavePrecision.FP16
          : widest.equals(List.of(DType.BF16)) ? SavePrecision.BF16 : SavePrecision.FP32;
    }
  }

  private static SortedMap<String, String> metadata(Path from) {
    var metadata = new TreeMap<String, String>();
    for (var path : AdapterFiles.files(from)) {
      try (var file = Checkpoint.open(path)) {
        file.files().forEach(each -> metadata.putAll(each.metadata()));
      }
    }
    metadata.keySet().removeAll(STALE);
    metadata.put("format", "pt");
    return metadata;
  }

  /** What the WebUIs look for, where the file did not say it. */
  private static Map<String, String> kohya(Adapter adapter, SortedMap<String, String> metadata) {
    var config = adapter.parts().getFirst().config();
    var group = config.groups().getFirst();
    metadata.putIfAbsent("ss_network_module", "networks.lora");
    metadata.putIfAbsent("ss_network_dim", Integer.toString(group.rank()));
    metadata.putIfAbsent("ss_network_alpha", Double.toString(config.scale(group) * group.rank()));
    return metadata;
  }

  private static void parents(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
