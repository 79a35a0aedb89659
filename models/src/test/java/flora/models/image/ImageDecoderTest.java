package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import flora.tensors.SafetensorsFile;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {

  private static final Path FOLDER = Path.of("src/test/resources/flora/models/image");
  private static final Path DECODED = FOLDER.resolve("decoded.safetensors");

  private final ImageDecoder decoder = new ImageDecoder();

  static Stream<String> pictures() {
    try (var golden = SafetensorsFile.open(DECODED)) {
      return golden.tensors().keySet().stream().toList().stream();
    }
  }

  private static byte[] file(String name) throws IOException {
    return Files.readAllBytes(FOLDER.resolve(name));
  }

  private Reason reason(byte[] bytes) {
    return catchThrowableOfType(ImageUnreadable.class, () -> decoder.decode(bytes)).reason();
  }

  @ParameterizedTest
  @MethodSource("pictures")
  void decodesAsPillowDoes(String name) {
    RgbImage image = decoder.decode(FOLDER.resolve(name));

    try (var golden = SafetensorsFile.open(DECODED)) {
      assertThat(golden.info(name).shape())
          .containsExactly((long) image.height(), (long) image.width(), 3L);
      assertThat(image.pixels()).isEqualTo(golden.data(name).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  /** The values are Pillow's. */
  @Test
  void theInksOfATiffAreNoLight() {
    int[] inks = {0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 128, 0, 64};

    assertThat(decoder.decode(cmyk(inks)).pixels())
        .containsExactly(255, 255, 255, 0, 255, 255, 0, 0, 0, 191, 95, 191);
  }

  /** A TIFF of four pixels in a row. */
  private static byte[] cmyk(int... samples) {
    int[][] entries = {
      {256, 3, 1, 4},
      {257, 3, 1, 1},
      {258, 3, 4, 200},
      {259, 3, 1, 1},
      {262, 3, 1, 5},
      {273, 4, 1, 220},
      {277, 3, 1, 4},
      {278, 3, 1, 1},
      {279, 4, 1, samples.length}
    };
    var out = ByteBuffer.allocate(220 + samples.length).order(ByteOrder.LITTLE_ENDIAN);
    out.put(new byte[] {'I', 'I', '*', 0}).putInt(8).putShort((short) entries.length);
    for (int[] entry : entries) {
      out.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]).putInt(entry[3]);
    }
    out.putInt(0).position(200);
    for (int i = 0; i < 4; i++) {
      out.putShort((short) 8);
    }
    out.position(220);
    for (int sample : samples) {
      out.put((byte) sample);
    }
    return out.array();
  }

  @Test
  void refusesAPictureWithTooManyPixelsBeforeItDecodesThem() throws IOException {
    byte[] bomb = file("rgba.png");
    // the header claims 60,000 x 60,000
    System.arraycopy(new byte[] {0, 0, (byte) 0xea, 0x60, 0, 0, (byte) 0xea, 0x60}, 0, bomb, 16, 8);
    var crc = new CRC32();
    crc.update(bomb, 12, 17);
    ByteBuffer.wrap(bomb).putInt(29, (int) crc.getValue());

    assertThat(reason(bomb)).isEqualTo(Reason.TOO_LARGE);
  }

  @Test
  void theLimitIsInPixels() throws IOException {
    byte[] picture = file("plain.bmp");

    assertThat(new ImageDecoder(29 * 21).decode(picture).width()).isEqualTo(29);
    assertThatThrownBy(() -> new ImageDecoder(29 * 21 - 1).decode(picture))
        .isInstanceOf(ImageUnreadable.class)
        .hasMessage("the picture is 29 x 21, at most 608 pixels are allowed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"s420.jpg", "progressive.jpg", "rgba.png", "palette.png"})
  void refusesATruncatedFileWhereverItEnds(String name) throws IOException {
    byte[] whole = file(name);
    for (int length = 16; length < whole.length - 2; length += 37) {
      byte[] part = Arrays.copyOf(whole, length);

      assertThatThrownBy(() -> decoder.decode(part))
          .as("%s cut to %d bytes", name, length)
          .isInstanceOf(ImageUnreadable.class);
    }
    assertThat(reason(Arrays.copyOf(whole, whole.length - 20))).isEqualTo(Reason.TRUNCATED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain.gif", "plain.bmp", "plain.tiff"})
  void refusesHalfOfAFile(String name) throws IOException {
    byte[] whole = file(name);

    assertThatThrownBy(() -> decoder.decode(Arrays.copyOf(whole, whole.length / 2)))
        .isInstanceOf(ImageUnreadable.class);
  }

  @Test
  void refusesAPngWithAFlippedBit() throws IOException {
    byte[] bytes = file("rgba.png");
    bytes[bytes.length / 2] ^= 1;

    assertThat(reason(bytes)).isEqualTo(Reason.CORRUPT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "<html>404</html>", "%PDF-1.7", "RIFF....WEBPVP8 ", "....ftypheic"})
  void saysThatAFileIsNoPictureItKnows(String head) {
    assertThat(reason(head.getBytes(StandardCharsets.ISO_8859_1))).isEqualTo(Reason.FORMAT);
  }

  @Test
  void saysWhatToDoWithAFormatItDoesNotRead() {
    assertThatThrownBy(() -> decoder.decode("RIFF....WEBPVP8 ".getBytes(StandardCharsets.UTF_8)))
        .hasMessage("WEBP is not supported; convert the picture to PNG or JPEG");
  }

  @Test
  void survivesAnyDamageToTheHeaders() throws IOException {
    for (String name : new String[] {"exif6.jpg", "cmyk.jpg", "palette_alpha.png", "lzw6.tiff"}) {
      byte[] whole = file(name);
      for (int at = 2; at < Math.min(whole.length, 200); at++) {
        byte[] damaged = whole.clone();
        damaged[at] ^= (byte) 0xff;
        try {
          assertThat(new ImageDecoder(100_000).decode(damaged).width()).isPositive();
        } catch (ImageUnreadable refusal) {
          assertThat(refusal.reason()).isNotNull();
        }
      }
    }
  }
}
