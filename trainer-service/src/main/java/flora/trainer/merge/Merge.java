package flora.trainer.merge;

import flora.models.ModelException.FileMissing;
import flora.models.lora.LoraKeys.Network;
import flora.models.singlefile.SingleFile;
import flora.models.weights.KeyMap;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import flora.trainer.export.Adapter;
import flora.trainer.export.AdapterFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Adds adapters to a model's weights: {@code W + Σ strength·alpha/rank·up·down}, computed in fp32
 * and rounded once to the type in which W is stored. The result has the layout of the base; every
 * tensor that no adapter changes keeps its bytes. Tensors are streamed: memory does not grow with
 * the model.
 */
public final class Merge {

  /**
   * An adapter and how strongly it is added to each network.
   *
   * @param path a file or peft's folder
   * @param unet 1 = as trained, 0 = not at all
   * @param textEncoder likewise
   */
  public record Use(Path path, double unet, double textEncoder) {
    private double strength(Network network) {
      return switch (network) {
        case UNET -> unet;
        case TEXT_ENCODER -> textEncoder;
      };
    }
  }

  /** Is told of every tensor that was written. */
  @FunctionalInterface
  public interface Progress {
    void written(int tensors, int total);
  }

  /** The parts of a pipeline, and what of them is needed to open it. */
  private static final Set<String> PARTS =
      Set.of(
          "unet",
          "vae",
          "text_encoder",
          "tokenizer",
          "scheduler",
          "feature_extractor",
          "safety_checker");

  private static final Set<String> NEEDED = Set.of("json", "txt", "safetensors");

  /** Of the base's bytes, and so wrong afterwards. */
  private static final Set<String> STALE =
      Set.of("modelspec.hash_sha256", "sshs_model_hash", "sshs_legacy_hash");

  private final Path base;
  private final Map<Network, Map<String, List<Change>>> changes = new HashMap<>();
  private final String told;
  private final Progress progress;
  private int done;
  private int total;

  private Merge(Path base, List<Use> uses, Progress progress) {
    this.base = base;
    this.progress = progress;
    told =
        uses.stream()
            .map(
                use ->
                    "%s:%s:%s".formatted(use.path().getFileName(), use.unet(), use.textEncoder()))
            .collect(Collectors.joining(", "));
    var layers = AdapterFiles.layers(base);
    for (var use : uses) {
      for (var part : AdapterFiles.read(use.path(), layers).parts()) {
        double strength = use.strength(part.network());
        if (strength != 0) {
          add(part, strength);
        }
      }
    }
  }

  private void add(Adapter.Part part, double strength) {
    var ofNetwork = changes.computeIfAbsent(part.network(), n -> new HashMap<>());
    for (var pair : part.pairs()) {
      ofNetwork
          .computeIfAbsent(pair.module() + ".weight", key -> new ArrayList<>())
          .add(new Change(pair, strength));
    }
  }

  /**
   * Writes the merged model.
   *
   * @param base a folder in diffusers' layout, or a file with all networks
   * @param uses at least one
   * @param to a folder or a file that is not there yet, as the base is
   * @return how many tensors were changed
   * @throws flora.models.ModelException when a file is not what it should be, naming it
   */
  public static int merge(Path base, List<Use> uses, Path to, Progress progress) {
    if (!Files.exists(base)) {
      throw new FileMissing(base, "expected a model's folder or .safetensors file");
    }
    var merge = new Merge(base, uses, progress);
    try {
      if (Files.isDirectory(base)) {
        merge.folder(to);
      } else {
        merge.singleFile(to);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return merge.changes.values().stream().mapToInt(Map::size).sum();
  }

  private void singleFile(Path to) throws IOException {
    Files.createDirectories(to.toAbsolutePath().getParent());
    try (var file = Checkpoint.open(base)) {
      var layout = SingleFile.of(file);
      var stored = new LinkedHashMap<String, List<Change>>();
      changes.forEach(
          (network, ofNetwork) -> {
            KeyMap keys = AdapterFiles.keys(layout, network);
            ofNetwork.forEach((key, all) -> stored.put(keys.stored(key), all));
          });
      total = file.names().size();
      write(file.file(file.names().iterator().next()), stored, to);
    }
  }

  /** Everything appears at once, under a name that is not taken before it is complete. */
  private void folder(Path to) throws IOException {
    var target = to.toAbsolutePath();
    var part = target.resolveSibling("." + target.getFileName() + ".part");
    delete(part);
    Files.createDirectories(part);
    try {
      copyUnchanged(part);
      var open = new LinkedHashMap<Network, Checkpoint>();
      try {
        for (var network : changes.keySet().stream().sorted().toList()) {
          var weights = Checkpoint.open(base.resolve(network.word()));
          open.put(network, weights);
          total += weights.names().size();
        }
        for (var entry : open.entrySet()) {
          var folder = Files.createDirectories(part.resolve(entry.getKey().word()));
          for (var file : entry.getValue().files()) {
            var name = file.path().getFileName().toString();
            write(file, changes.getOrDefault(entry.getKey(), Map.of()), folder.resolve(name));
          }
        }
      } finally {
        open.values().forEach(Checkpoint::close);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(part);
    }
  }

  private void copyUnchanged(Path to) throws IOException {
    var rewritten = new HashSet<Path>();
    for (var network : changes.keySet()) {
      try (var weights = Checkpoint.open(base.resolve(network.word()))) {
        var folder = base.resolve(network.word());
        try (var files = Files.list(folder)) {
          // twins of the weights in another precision would contradict the merged ones
          files.filter(f -> f.toString().endsWith(".safetensors")).forEach(rewritten::add);
        }
        weights.files().forEach(file -> rewritten.add(file.path()));
      }
    }
    try (var files = Files.walk(base, 2, FileVisitOption.FOLLOW_LINKS)) {
      for (var file : files.filter(Files::isRegularFile).sorted().toList()) {
        var relative = base.relativize(file);
        var name = relative.getFileName().toString();
        boolean wanted =
            relative.getNameCount() == 1
                ? name.equals("model_index.json")
                : PARTS.contains(relative.getName(0).toString())
                    && NEEDED.contains(name.substring(name.lastIndexOf('.') + 1));
        if (wanted && !rewritten.contains(file)) {
          Files.createDirectories(to.resolve(relative).getParent());
          Files.copy(file, to.resolve(relative));
        }
      }
    }
  }

  private void write(SafetensorsFile file, Map<String, List<Change>> changed, Path to) {
    var writer = new SafetensorsWriter();
    file.metadata()
        .forEach(
            (key, value) -> {
              if (!STALE.contains(key)) {
                writer.metadata(key, value);
              }
            });
    writer.metadata("flora.merged", told);
    for (var info : file.tensors().values()) {
      var all = changed.get(info.name());
      var data = file.data(info.name());
      if (all == null) {
        writer.add(
            info.name(),
            info.dtype(),
            info.shape(),
            out -> {
              MergedTensor.copy(data, out);
              progress.written(++done, total);
            });
      } else {
        var merged = new MergedTensor(file.path(), info, data, all);
        writer.add(
            info.name(),
            info.dtype(),
            info.shape(),
            out -> {
              merged.writeTo(out);
              progress.written(++done, total);
            });
      }
    }
    writer.writeTo(to);
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (var files = Files.walk(folder)) {
        for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }
}
