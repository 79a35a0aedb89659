package flora.standalone.parity;

import flora.models.ModelConfig;
import flora.tensors.SafetensorsFile;
import flora.tensors.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A folder {@code golden/NAME} with {@code golden.json} and {@code golden.safetensors}, or one file
 * {@code golden/tokenizers/NAME.json}.
 */
final class GoldenSet implements AutoCloseable {

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path root;
  private final String name;
  private final JsonNode json;
  private final @Nullable SafetensorsFile file;

  private GoldenSet(Path root, String name, JsonNode json, @Nullable SafetensorsFile file) {
    this.root = root;
    this.name = name;
    this.json = json;
    this.file = file;
  }

  /** The names of all sets below {@code root/golden}, in order. */
  static List<String> names(Path root) throws IOException {
    var names = new ArrayList<String>();
    for (Path entry : entries(root.resolve("golden"))) {
      String name = entry.getFileName().toString();
      if (Files.exists(entry.resolve("golden.json"))) {
        names.add(name);
      } else if (Files.isDirectory(entry)) {
        for (Path file : entries(entry)) {
          String inner = file.getFileName().toString();
          if (inner.endsWith(".json")) {
            names.add(name + "/" + inner.substring(0, inner.length() - ".json".length()));
          }
        }
      }
    }
    return names;
  }

  private static List<Path> entries(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.sorted().toList();
    }
  }

  /** Opens a set by a name that {@link #names} gave. */
  static GoldenSet open(Path root, String name) {
    Path folder = root.resolve("golden").resolve(name);
    if (Files.isDirectory(folder)) {
      return new GoldenSet(
          root,
          name,
          read(folder.resolve("golden.json")),
          SafetensorsFile.open(folder.resolve("golden.safetensors")));
    }
    return new GoldenSet(
        root, name, read(folder.resolveSibling(folder.getFileName() + ".json")), null);
  }

  private static JsonNode read(Path file) {
    try {
      return JsonMapper.builder().build().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The set's name. */
  String name() {
    return name;
  }

  /** The folder with {@code models/}, {@code images/} and {@code golden/}. */
  Path root() {
    return root;
  }

  /** The whole of {@code golden.json}. */
  JsonNode json() {
    return json;
  }

  /** The set's settings. */
  ModelConfig hyper() {
    return ModelConfig.of(Path.of(name, "golden.json"), json.toString()).object("hyper");
  }

  /** The set's own folder. */
  Path folder() {
    return root.resolve("golden").resolve(name);
  }

  /** The model that the set is of: {@code hyper.base_model}, or the one of the same name. */
  Path model() {
    String own = "models/" + name.substring(name.lastIndexOf('/') + 1);
    Path model = root.resolve(hyper().text("base_model", own)).normalize();
    if (!model.startsWith(root.normalize())) {
      throw new IllegalArgumentException(name + " names a model outside " + root);
    }
    return model;
  }

  /** What the model's {@code config.json} says it is; empty where there is none. */
  Optional<String> modelType() {
    Path config = model().resolve("config.json");
    return Files.isRegularFile(config)
        ? ModelConfig.read(config).text("model_type")
        : Optional.empty();
  }

  /** The names of the tensors. */
  Set<String> tensors() {
    return file == null ? Set.of() : file.tensors().keySet();
  }

  /** Whether there is a tensor of that name. */
  boolean has(String tensor) {
    return tensors().contains(tensor);
  }

  /** The extents of a tensor. */
  long[] shape(String tensor) {
    return open().info(tensor).shape().stream().mapToLong(Long::longValue).toArray();
  }

  /** The bytes of a tensor. */
  byte[] bytes(String tensor) {
    return open().data(tensor).toArray(ValueLayout.JAVA_BYTE);
  }

  /** The values of an F32 tensor. */
  float[] floats(String tensor) {
    return open().data(tensor).toArray(F32);
  }

  /** The values of an I64 tensor. */
  long[] longs(String tensor) {
    return open().data(tensor).toArray(I64);
  }

  /** The values of a tensor of any type that golden sets hold. */
  double[] values(String tensor) {
    TensorInfo info = open().info(tensor);
    MemorySegment data = open().data(tensor);
    double[] values = new double[Math.toIntExact(info.count())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (info.dtype()) {
            case F32 -> data.getAtIndex(F32, i);
            case F64 -> data.getAtIndex(F64, i);
            case I64 -> data.getAtIndex(I64, i);
            case U8, BOOL -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case I8, F8_E5M2, F8_E4M3, F8_E8M0, I16, U16, F16, BF16, I32, U32, C64, U64 ->
                throw new IllegalArgumentException(
                    tensor + " is of type " + info.dtype() + ", which golden sets do not hold");
          };
    }
    return values;
  }

  /** How far a value may lie from the golden one. */
  double tolerance(String tensor, double golden) {
    JsonNode entry = json.path("tensors").path(tensor);
    double absolute = entry.path("tol_abs").asDouble(0);
    return entry.has("tol_rel") ? entry.path("tol_rel").asDouble(0) * Math.abs(golden) : absolute;
  }

  /** The tolerance as it is printed. */
  double tolerance(String tensor) {
    return json.path("tensors").path(tensor).path("tol_abs").asDouble(0);
  }

  private SafetensorsFile open() {
    if (file == null) {
      throw new IllegalArgumentException(name + " has no tensors");
    }
    return file;
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}
