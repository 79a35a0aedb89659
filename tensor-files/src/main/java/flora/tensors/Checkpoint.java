package flora.tensors;

import flora.tensors.SafetensorsException.Ambiguous;
import flora.tensors.SafetensorsException.Defect;
import flora.tensors.SafetensorsException.FileMissing;
import flora.tensors.SafetensorsException.Malformed;
import flora.tensors.SafetensorsException.TensorMissing;
import flora.tensors.SafetensorsException.Unreadable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * The weights of one network, whether they lie in one safetensors file or in shards with an index.
 *
 * <p>All files stay mapped until {@link #close()}.
 */
public final class Checkpoint implements AutoCloseable {

  private static final String INDEX_SUFFIX = ".safetensors.index.json";

  /** Names that mean "the weights" to the peer libraries; others are twins of them. */
  private static final List<String> USUAL =
      List.of(
          "model.safetensors",
          "diffusion_pytorch_model.safetensors",
          "adapter_model.safetensors",
          "pytorch_lora_weights.safetensors");

  private final Path source;
  private final Map<String, SafetensorsFile> fileOf;
  private final Collection<SafetensorsFile> files;

  private Checkpoint(
      Path source, Map<String, SafetensorsFile> fileOf, Collection<SafetensorsFile> files) {
    this.source = source;
    this.fileOf = fileOf;
    this.files = files;
  }

  /**
   * Opens a safetensors file, an index ({@code *.safetensors.index.json}), or a folder that holds
   * one of them. In a folder the usual name wins over an index, and both over any single file.
   */
  public static Checkpoint open(Path path) {
    Path weights = Files.isDirectory(path) ? weightsIn(path) : path;
    return weights.getFileName().toString().endsWith(INDEX_SUFFIX)
        ? sharded(weights)
        : single(weights);
  }

  private static Path weightsIn(Path folder) {
    for (String name : USUAL) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    List<Path> indexes = filesEnding(folder, INDEX_SUFFIX);
    List<Path> candidates = indexes.isEmpty() ? filesEnding(folder, ".safetensors") : indexes;
    if (candidates.isEmpty()) {
      throw new FileMissing(
          folder.resolve(USUAL.getFirst()), "the folder has no .safetensors file");
    }
    if (candidates.size() > 1) {
      throw new Ambiguous(
          folder, candidates.stream().map(p -> p.getFileName().toString()).toList());
    }
    return candidates.getFirst();
  }

  private static List<Path> filesEnding(Path folder, String suffix) {
    try (var entries = Files.list(folder)) {
      return entries.filter(p -> p.getFileName().toString().endsWith(suffix)).sorted().toList();
    } catch (IOException e) {
      throw new Unreadable(folder, e);
    }
  }

  private static Checkpoint single(Path path) {
    var file = SafetensorsFile.open(path);
    var fileOf = new LinkedHashMap<String, SafetensorsFile>();
    file.tensors().keySet().forEach(name -> fileOf.put(name, file));
    return new Checkpoint(path, Collections.unmodifiableMap(fileOf), List.of(file));
  }

  private static Checkpoint sharded(Path index) {
    Map<String, String> weightMap = readIndex(index);
    var shards = new LinkedHashMap<String, SafetensorsFile>();
    var fileOf = new LinkedHashMap<String, SafetensorsFile>();
    try {
      for (var entry : weightMap.entrySet()) {
        String shardName = plainName(index, entry.getKey(), entry.getValue());
        SafetensorsFile shard = shards.get(shardName);
        if (shard == null) {
          Path path = index.resolveSibling(shardName);
          if (!Files.exists(path)) {
            throw new FileMissing(path, "a shard that " + index.getFileName() + " names");
          }
          shard = SafetensorsFile.open(path);
          shards.put(shardName, shard);
        }
        shard.info(entry.getKey());
        fileOf.put(entry.getKey(), shard);
      }
    } catch (SafetensorsException e) {
      shards.values().forEach(SafetensorsFile::close);
      throw e;
    }
    return new Checkpoint(index, Collections.unmodifiableMap(fileOf), List.copyOf(shards.values()));
  }

  private static String plainName(Path index, String tensor, String file) {
    if (file.isEmpty()
        || file.contains("/")
        || file.contains("\\")
        || file.contains("\0")
        || file.equals(".")
        || file.equals("..")) {
      throw new Malformed(
          index,
          Defect.PATH_OUTSIDE,
          "tensor %s lies in \"%s\", expected a file name in the same folder"
              .formatted(tensor, file));
    }
    return file;
  }

  private static Map<String, String> readIndex(Path index) {
    if (!Files.exists(index)) {
      throw new FileMissing(index, "expected an index of shards");
    }
    try {
      if (Files.size(index) > HeaderParser.MAX_HEADER) {
        throw new Malformed(index, Defect.HEADER_TOO_LARGE, "the index is larger than 100 MB");
      }
      byte[] json = Files.readAllBytes(index);
      try (var in = HeaderParser.JSON.createParser(ObjectReadContext.empty(), json)) {
        return weightMap(index, in);
      }
    } catch (IOException e) {
      throw new Unreadable(index, e);
    } catch (JacksonException e) {
      throw HeaderParser.notJson(index, e);
    }
  }

  private static Map<String, String> weightMap(Path index, JsonParser in) {
    if (in.nextToken() == JsonToken.START_OBJECT) {
      while (in.nextToken() != JsonToken.END_OBJECT) {
        boolean wanted = in.currentName().equals("weight_map");
        JsonToken value = in.nextToken();
        if (wanted && value == JsonToken.START_OBJECT) {
          return fileNames(index, in);
        }
        in.skipChildren();
      }
    }
    throw new Malformed(index, Defect.HEADER_NOT_JSON, "expected an object with a weight_map");
  }

  private static Map<String, String> fileNames(Path index, JsonParser in) {
    var files = new LinkedHashMap<String, String>();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String tensor = in.currentName();
      if (in.nextToken() != JsonToken.VALUE_STRING) {
        throw new Malformed(
            index, Defect.HEADER_NOT_JSON, "weight_map." + tensor + " is not a file name");
      }
      files.put(tensor, in.getString());
    }
    return files;
  }

  /** The file or index that was opened. */
  public Path source() {
    return source;
  }

  /** The mapped files: one, or all shards. */
  public Collection<SafetensorsFile> files() {
    return files;
  }

  /** The names of all tensors. */
  public Collection<String> names() {
    return fileOf.keySet();
  }

  /** Whether there is a tensor of that name. */
  public boolean contains(String name) {
    return fileOf.containsKey(name);
  }

  /** The file that holds a tensor. Throws {@link TensorMissing}. */
  public SafetensorsFile file(String name) {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new TensorMissing(source, name, Nearest.names(name, fileOf.keySet()));
    }
    return file;
  }

  /** What the header says of a tensor. Throws {@link TensorMissing}. */
  public TensorInfo info(String name) {
    return file(name).info(name);
  }

  /** The bytes of a tensor, read-only and not copied. Throws {@link TensorMissing}. */
  public MemorySegment data(String name) {
    return file(name).data(name);
  }

  /** Ends all mappings. */
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
