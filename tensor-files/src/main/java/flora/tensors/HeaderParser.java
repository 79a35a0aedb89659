package flora.tensors;

import flora.tensors.SafetensorsException.Defect;
import flora.tensors.SafetensorsException.Malformed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the JSON header of a safetensors file and refuses what the reference implementation does.
 */
final class HeaderParser {

  static final int MAX_HEADER = 100_000_000;

  static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxStringLength(MAX_HEADER)
                  .maxNameLength(1 << 20)
                  .build())
          .build();

  /** The parsed header; the tensors in the order of their bytes. */
  record Header(Map<String, TensorInfo> tensors, Map<String, String> metadata) {}

  private final Path path;
  private final long dataSize;
  private final List<TensorInfo> tensors = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private HeaderParser(Path path, long dataSize) {
    this.path = path;
    this.dataSize = dataSize;
  }

  /** Parses a header; {@code dataSize} is the number of bytes that follow it in the file. */
  static Header parse(Path path, byte[] json, long dataSize) {
    if (json.length == 0 || json[0] != '{') {
      throw new Malformed(path, Defect.HEADER_NOT_JSON, "the header does not start with {");
    }
    var parser = new HeaderParser(path, dataSize);
    try (var in = JSON.createParser(ObjectReadContext.empty(), json)) {
      parser.header(in);
    } catch (StreamReadException e) {
      throw notJson(path, e);
    } catch (JacksonException e) {
      throw new Malformed(path, Defect.HEADER_NOT_JSON, e.getOriginalMessage());
    }
    return new Header(parser.layout(), Map.copyOf(parser.metadata));
  }

  /** The refusal for bad JSON; a repeated key is told apart from all else. */
  static Malformed notJson(Path path, JacksonException e) {
    String message = String.valueOf(e.getOriginalMessage());
    return new Malformed(
        path,
        message.startsWith("Duplicate Object property")
            ? Defect.DUPLICATE_KEY
            : Defect.HEADER_NOT_JSON,
        message);
  }

  private void header(JsonParser in) {
    expect(in.nextToken(), JsonToken.START_OBJECT, "the header");
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      JsonToken value = in.nextToken();
      if (name.equals("__metadata__")) {
        metadata(in, value);
      } else {
        tensors.add(tensor(in, value, name));
      }
    }
    if (in.nextToken() != null) {
      throw new Malformed(path, Defect.HEADER_NOT_JSON, "something follows the header's object");
    }
  }

  private void metadata(JsonParser in, @Nullable JsonToken value) {
    if (value == JsonToken.VALUE_NULL) {
      return;
    }
    expect(value, JsonToken.START_OBJECT, "__metadata__");
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String key = in.currentName();
      expect(in.nextToken(), JsonToken.VALUE_STRING, "__metadata__." + key);
      metadata.put(key, in.getString());
    }
  }

  private TensorInfo tensor(JsonParser in, @Nullable JsonToken value, String name) {
    expect(value, JsonToken.START_OBJECT, "tensor " + name);
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String field = in.currentName();
      JsonToken token = in.nextToken();
      switch (field) {
        case "dtype" -> dtype = dtype(in, token, name);
        case "shape" -> shape = numbers(in, token, name + ".shape");
        case "data_offsets" -> offsets = numbers(in, token, name + ".data_offsets");
        default -> in.skipChildren();
      }
    }
    if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
      throw new Malformed(
          path,
          Defect.HEADER_NOT_JSON,
          "tensor " + name + " needs dtype, shape and data_offsets of two numbers");
    }
    return placed(name, dtype, shape, offsets.get(0), offsets.get(1));
  }

  private TensorInfo placed(String name, DType dtype, List<Long> shape, long begin, long end) {
    long needed;
    try {
      needed = TensorInfo.byteCount(dtype, shape);
    } catch (ArithmeticException e) {
      throw new Malformed(
          path, Defect.BAD_NUMBER, "tensor " + name + " of shape " + shape + ": " + e.getMessage());
    }
    if (end < begin || end - begin != needed) {
      throw new Malformed(
          path,
          Defect.WRONG_SIZE,
          "tensor %s lies at %d to %d, but %s%s needs %d bytes"
              .formatted(name, begin, end, dtype, shape, needed));
    }
    if (end > dataSize) {
      throw new Malformed(
          path, Defect.TRUNCATED, "tensor %s ends at byte %d of %d".formatted(name, end, dataSize));
    }
    return new TensorInfo(name, dtype, shape, begin, end);
  }

  private DType dtype(JsonParser in, @Nullable JsonToken token, String name) {
    expect(token, JsonToken.VALUE_STRING, name + ".dtype");
    String text = in.getString();
    return DType.of(text)
        .orElseThrow(
            () ->
                new Malformed(
                    path, Defect.UNKNOWN_DTYPE, "tensor " + name + " has the dtype " + text));
  }

  private List<Long> numbers(JsonParser in, @Nullable JsonToken token, String what) {
    expect(token, JsonToken.START_ARRAY, what);
    var numbers = new ArrayList<Long>();
    while (in.nextToken() != JsonToken.END_ARRAY) {
      boolean fits =
          in.currentToken() == JsonToken.VALUE_NUMBER_INT
              && in.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      if (!fits || in.getLongValue() < 0) {
        throw new Malformed(
            path, Defect.BAD_NUMBER, what + " holds " + in.getString() + ", not a whole number");
      }
      numbers.add(in.getLongValue());
    }
    return numbers;
  }

  /** The tensors by position; together they cover the data section exactly once. */
  private Map<String, TensorInfo> layout() {
    tensors.sort(
        Comparator.comparingLong(TensorInfo::begin)
            .thenComparingLong(TensorInfo::end)
            .thenComparing(TensorInfo::name));
    var ordered = new LinkedHashMap<String, TensorInfo>();
    long at = 0;
    for (TensorInfo tensor : tensors) {
      if (tensor.begin() != at) {
        throw new Malformed(
            path,
            tensor.begin() < at ? Defect.OVERLAP : Defect.HOLE,
            "tensor %s begins at byte %d, expected %d"
                .formatted(tensor.name(), tensor.begin(), at));
      }
      at = tensor.end();
      ordered.put(tensor.name(), tensor);
    }
    if (at != dataSize) {
      throw new Malformed(
          path, Defect.HOLE, "%d bytes follow the last tensor".formatted(dataSize - at));
    }
    return Collections.unmodifiableMap(ordered);
  }

  private void expect(@Nullable JsonToken actual, JsonToken expected, String what) {
    if (actual != expected) {
      throw new Malformed(
          path, Defect.HEADER_NOT_JSON, what + " is " + actual + ", expected " + expected);
    }
  }
}
