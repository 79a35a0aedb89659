package flora.models.singlefile;

import flora.tensors.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** A safetensors file of any announced size that takes no room on disk where it holds nothing. */
final class SparseFile {
  private final Map<String, Object> header = new LinkedHashMap<>();
  private final Map<Long, byte[]> contents = new LinkedHashMap<>();
  private long end;

  /** A tensor of zeros. */
  SparseFile hole(String name, DType dtype, List<Long> shape) {
    long size = dtype.bytes() * shape.stream().reduce(1L, Math::multiplyExact);
    header.put(
        name,
        Map.of("dtype", dtype.name(), "shape", shape, "data_offsets", List.of(end, end + size)));
    end += size;
    return this;
  }

  SparseFile tensor(String name, DType dtype, List<Long> shape, byte[] bytes) {
    contents.put(end, bytes);
    return hole(name, dtype, shape);
  }

  /** Lets the next tensor begin at a remainder by 64. */
  SparseFile align(long remainder) {
    long missing = Math.floorMod(remainder - end, 64);
    return missing == 0 ? this : hole("padding." + header.size(), DType.U8, List.of(missing));
  }

  /** Writes it; the data begin at a multiple of 64. */
  void writeTo(Path file) throws IOException {
    byte[] json = JsonMapper.builder().build().writeValueAsBytes(header);
    long length = json.length + Math.floorMod(-8 - json.length, 64);
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      var size = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
      channel.write(size, 0);
      channel.write(ByteBuffer.wrap(json), 8);
      channel.write(
          ByteBuffer.wrap(" ".repeat((int) length - json.length).getBytes(StandardCharsets.UTF_8)),
          8 + json.length);
      for (var entry : contents.entrySet()) {
        channel.write(ByteBuffer.wrap(entry.getValue()), 8 + length + entry.getKey());
      }
      if (channel.size() < 8 + length + end) {
        channel.write(ByteBuffer.allocate(1), 8 + length + end - 1);
      }
    }
  }
}
