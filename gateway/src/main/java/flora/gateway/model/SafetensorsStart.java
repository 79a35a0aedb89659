package flora.gateway.model;

import flora.gateway.error.Refusal;
import flora.schemas.Json;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The beginning of a safetensors file: 8 bytes little-endian length, a JSON object of that length
 * with the tensors' places. Tells a file of another kind, or one that was cut, before the rest of
 * it has come.
 */
final class SafetensorsStart {

  private SafetensorsStart() {}

  /**
   * Checks it.
   *
   * @param start the first bytes, with the whole header
   * @param size of the whole file
   * @throws Refusal.BadModelFile when it is none
   */
  static void check(String path, byte[] start, long size) {
    long length =
        start.length < Long.BYTES
            ? -1
            : ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > start.length - Long.BYTES) {
      throw Refusal.BadModelFile.malformed(path, "it does not begin with a header");
    }
    JsonNode header;
    try {
      header =
          Json.read(
              Arrays.copyOfRange(start, Long.BYTES, Long.BYTES + (int) length), JsonNode.class);
    } catch (JacksonException e) {
      throw Refusal.BadModelFile.malformed(path, "its header is not JSON");
    }
    long end =
        header.properties().stream()
            .filter(tensor -> !tensor.getKey().equals("__metadata__"))
            .mapToLong(tensor -> tensor.getValue().path("data_offsets").path(1).asLong(-1))
            .max()
            .orElse(0);
    if (Long.BYTES + length + end != size) {
      throw Refusal.BadModelFile.malformed(
          path,
          "by its header it has %d bytes, and it comes with %d"
              .formatted(Long.BYTES + length + end, size));
    }
  }
}
