package flora.schemas.document;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Bytes from outside as text: bounded, strict UTF-8, without its byte order mark. */
final class Utf8Text {

  private Utf8Text() {}

  static String of(byte[] bytes) {
    if (bytes.length > Node.MAX_BYTES) {
      throw new DocumentException(
          "", 0, "%d bytes are too many: at most %d".formatted(bytes.length, Node.MAX_BYTES));
    }
    try {
      var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new DocumentException("", 0, "the text is not UTF-8");
    }
  }
}
