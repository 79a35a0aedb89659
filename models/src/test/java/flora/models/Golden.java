package flora.models;

import static org.assertj.core.api.Assertions.assertThat;

import flora.tensors.DType;
import flora.tensors.SafetensorsFile;
import flora.tensors.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One golden set: tensors that the Python peers computed, with their tolerances. */
public final class Golden implements AutoCloseable {

  /** The folder with {@code models/}, {@code images/} and {@code golden/}. */
  public static final Path ROOT = Path.of("src/test/resources/parity");

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String set;
  private final SafetensorsFile file;
  private final JsonNode json;

  private Golden(String set, SafetensorsFile file, JsonNode json) {
    this.set = set;
    this.file = file;
    this.json = json;
  }

  /** Opens {@code golden/SET}. */
  public static Golden open(String set) {
    Path folder = ROOT.resolve("golden").resolve(set);
    return new Golden(
        set,
        SafetensorsFile.open(folder.resolve("golden.safetensors")),
        json(folder.resolve("golden.json")));
  }

  /** A JSON file below the root. */
  public static JsonNode json(Path path) {
    try {
      return JsonMapper.builder().build().readTree(Files.readString(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The hyper-parameters of the set. */
  public JsonNode hyper() {
    return json.get("hyper");
  }

  /** The names of all tensors. */
  public Set<String> names() {
    return file.tensors().keySet();
  }

  /** The extents of a tensor. */
  public List<Long> shape(String name) {
    return file.info(name).shape();
  }

  /** The bytes of a tensor. */
  public byte[] bytes(String name) {
    return file.data(name).toArray(ValueLayout.JAVA_BYTE);
  }

  /** The values of an F32 tensor. */
  public float[] floats(String name) {
    return data(name, DType.F32).toArray(F32);
  }

  /** The values of an I64 tensor. */
  public long[] longs(String name) {
    return data(name, DType.I64).toArray(I64);
  }

  private MemorySegment data(String name, DType dtype) {
    TensorInfo info = file.info(name);
    assertThat(info.dtype()).as("%s/%s", set, name).isEqualTo(dtype);
    return file.data(name);
  }

  /** How far a value may lie from the golden one. */
  public double tolerance(String name) {
    return json.get("tensors").get(name).get("tol_abs").doubleValue();
  }

  /** Asserts that the values lie within the tolerance of the golden tensor. */
  public void assertClose(String name, float[] actual) {
    assertClose(name, actual, tolerance(name));
  }

  /** Asserts that the values lie within a tolerance of the golden tensor. */
  public void assertClose(String name, float[] actual, double tolerance) {
    float[] expected = floats(name);
    assertThat(actual).as("%s/%s", set, name).hasSameSizeAs(expected);
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs((double) actual[i] - expected[i]);
      worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    assertThat(worst).as("%s/%s: largest difference", set, name).isLessThanOrEqualTo(tolerance);
  }

  @Override
  public void close() {
    file.close();
  }
}
