package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileImageTest {

  private static final Path FOLDER = Path.of("src/test/resources/flora/models/image");

  private static byte[] file(String name) throws IOException {
    return Files.readAllBytes(FOLDER.resolve(name));
  }

  private static ImageUnreadable refusal(ImageDecoder decoder, byte[] bytes) {
    var refusal = catchThrowableOfType(ImageUnreadable.class, () -> decoder.decode(bytes));
    assertThat(refusal).as("the picture is refused").isNotNull();
    return refusal;
  }

  private static ImageUnreadable refusal(byte[] bytes) {
    return refusal(new ImageDecoder(), bytes);
  }

  @Test
  void aPixelBombIsRefusedByItsHeader() throws IOException {
    // 16 GB of black pixels in a few bytes: nothing of them may be unpacked
    byte[] bomb = png(65_000, 65_000, new byte[10]);

    assertThat(refusal(bomb).reason()).isEqualTo(Reason.TOO_LARGE);
    assertThat(refusal(bomb)).hasMessageContaining("65000 x 65000");
  }

  @ParameterizedTest
  @CsvSource({"1,60000", "60000,1", "40000,400"})
  void aLineIsNoPicture(int width, int height) throws IOException {
    assertThat(refusal(png(width, height, grey(width, height))).reason())
        .isEqualTo(Reason.TOO_LARGE);
  }

  @Test
  void aLineThatIsShortEnoughToDecodeIsRefusedByItsRatio() throws IOException {
    assertThat(refusal(png(2, 257, grey(2, 257))))
        .hasMessage("the picture is 2 x 257: one side is more than 128 times the other");
    assertThat(new ImageDecoder().decode(png(2, 256, grey(2, 256))).height()).isEqualTo(256);
  }

  @Test
  void aTextCalledPngIsSaidToBeNoPicture() {
    var refusal = refusal("file_name,text\na.png,a cat\n".getBytes(StandardCharsets.UTF_8));

    assertThat(refusal.reason()).isEqualTo(Reason.FORMAT);
    assertThat(refusal).hasMessageStartingWith("not a picture");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb.jpg", "progressive.jpg", "rgba.png", "plain.gif", "lzw6.tiff"})
  void stopsWhenTheTimeIsOver(String name) throws IOException {
    byte[] bytes = file(name);
    var clock = new AtomicLong();
    var limits = new DecodeLimits(1_000_000, 10_000, Duration.ofSeconds(1), false);
    // each look at the time is 100 s after the one before
    var decoder =
        new ImageDecoder(limits, () -> clock.addAndGet(Duration.ofSeconds(100).toNanos()));

    assertThat(refusal(decoder, bytes).reason()).isEqualTo(Reason.TOO_SLOW);
    assertThat(refusal(decoder, bytes)).hasMessageEndingWith("was not decoded within 1 s");
  }

  @Test
  void whatWasDecodedTooLateIsThrownAway() throws IOException {
    byte[] bytes = file("plain.bmp");
    var looks = new AtomicLong();
    new ImageDecoder(DecodeLimits.DEFAULT, looks::incrementAndGet).decode(bytes);
    long last = looks.get();
    looks.set(0);
    // time stands still until the last look, which comes when the picture is there
    var decoder =
        new ImageDecoder(
            DecodeLimits.DEFAULT, () -> looks.incrementAndGet() < last ? 0 : Long.MAX_VALUE / 2);

    assertThat(refusal(decoder, bytes).reason()).isEqualTo(Reason.TOO_SLOW);
  }

  @Test
  void aProgressiveJpegOfThousandsOfScansIsRefused() throws IOException {
    byte[] whole = file("progressive.jpg");
    int scans = JpegMarkers.scans(whole);
    int second = indexOfScan(whole, 2);
    var bomb = new ByteArrayOutputStream();
    bomb.write(whole, 0, whole.length - 2);
    for (int i = 0; i < 5_000; i++) {
      bomb.write(whole, second, indexOfScan(whole, 3) - second);
    }
    bomb.write(whole, whole.length - 2, 2);

    assertThat(scans).isBetween(2, 20);
    assertThat(new ImageDecoder().decode(whole).width()).isPositive();
    assertThat(refusal(bomb.toByteArray()))
        .hasMessage("the JPEG has %d scans, at most 100 are allowed".formatted(scans + 5_000));
  }

  @Test
  void aColourProfileThatUnpacksToGigabytesIsNotUnpacked() throws IOException {
    var profile = new ByteArrayOutputStream();
    profile.write("bomb\0\0".getBytes(StandardCharsets.ISO_8859_1));
    try (var deflater = new DeflaterOutputStream(profile)) {
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        deflater.write(zeros);
      }
    }
    byte[] plain = file("rgba.png");
    var bytes = new ByteArrayOutputStream();
    bytes.write(plain, 0, 33);
    chunk(new DataOutputStream(bytes), "iCCP", profile.toByteArray());
    bytes.write(plain, 33, plain.length - 33);
    var decoder = new ImageDecoder();

    assertThat(decoder.decode(bytes.toByteArray()).pixels())
        .isEqualTo(decoder.decode(plain).pixels());
  }

  @Test
  void aTiffWhoseTilesAreLargerThanAnyPictureIsRefused() throws IOException {
    byte[] tiff = file("plain.tiff");
    var in = ByteBuffer.wrap(tiff).order(ByteOrder.LITTLE_ENDIAN);
    int directory = in.getInt(4);
    boolean found = false;
    for (int i = 0; i < in.getShort(directory); i++) {
      int entry = directory + 2 + 12 * i;
      if (in.getShort(entry) == 0x0101) { // the height
        in.putShort(entry + 2, (short) 4).putInt(entry + 8, 2_000_000_000);
        found = true;
      }
    }

    assertThat(found).isTrue();
    assertThat(refusal(tiff).reason()).isEqualTo(Reason.TOO_LARGE);
  }

  @Test
  void countsThePicturesOfAnAnimation() throws IOException {
    var decoder = new ImageDecoder();

    assertThat(decoder.frames(gif(500))).isEqualTo(500);
    assertThat(decoder.frames(file("plain.gif"))).isEqualTo(1);
    assertThat(decoder.frames(file("plain.tiff"))).isEqualTo(1);
    assertThat(decoder.frames(file("rgba.png"))).isEqualTo(1);
    assertThat(decoder.frames(animated(file("rgba.png"), 7))).isEqualTo(7);
    assertThat(decoder.frames(pages(file("plain.tiff"), 3))).isEqualTo(3);
    assertThat(decoder.frames("GIF89a".getBytes(StandardCharsets.ISO_8859_1))).isEqualTo(1);
  }

  @Test
  void theFirstPictureStandsForAnAnimationOrNoneDoes() throws IOException {
    byte[] gif = gif(500);
    var strict = new ImageDecoder(DecodeLimits.DEFAULT.withRejectAnimated(true));

    assertThat(new ImageDecoder().decode(gif).width()).isEqualTo(8);
    assertThat(refusal(strict, gif).reason()).isEqualTo(Reason.ANIMATED);
    assertThat(refusal(strict, gif)).hasMessageStartingWith("the GIF holds 500 pictures");
    assertThat(strict.decode(file("plain.gif")).width()).isPositive();
  }

  @Test
  void aTiffWhosePagesGoInCirclesIsCounted() throws IOException {
    byte[] tiff = file("plain.tiff");
    var in = ByteBuffer.wrap(tiff).order(ByteOrder.LITTLE_ENDIAN);
    int directory = in.getInt(4);
    in.putInt(directory + 2 + 12 * in.getShort(directory), directory);

    assertThat(new ImageDecoder().frames(tiff)).isEqualTo(10_000);
    assertThat(new ImageDecoder().decode(tiff).width()).isPositive();
  }

  private static byte[] grey(int width, int height) {
    byte[] rows = new byte[Math.multiplyExact(height, width + 1)];
    for (int y = 0; y < height; y++) {
      Arrays.fill(rows, y * (width + 1) + 1, (y + 1) * (width + 1), (byte) 127);
    }
    return rows;
  }

  /** A PNG of 8-bit grey with those filtered rows. */
  private static byte[] png(int width, int height, byte[] rows) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeLong(0x89504e470d0a1a0aL);
    var header = ByteBuffer.allocate(13).putInt(width).putInt(height);
    chunk(out, "IHDR", header.put((byte) 8).array());
    var data = new ByteArrayOutputStream();
    try (var deflater = new DeflaterOutputStream(data)) {
      deflater.write(rows);
    }
    chunk(out, "IDAT", data.toByteArray());
    chunk(out, "IEND", new byte[0]);
    return bytes.toByteArray();
  }

  private static void chunk(DataOutputStream out, String type, byte[] data) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.ISO_8859_1);
    var crc = new CRC32();
    crc.update(name);
    crc.update(data);
    out.writeInt(data.length);
    out.write(name);
    out.write(data);
    out.writeInt((int) crc.getValue());
  }

  private static byte[] animated(byte[] png, int frames) throws IOException {
    var bytes = new ByteArrayOutputStream();
    bytes.write(png, 0, 33);
    chunk(new DataOutputStream(bytes), "acTL", ByteBuffer.allocate(8).putInt(frames).array());
    bytes.write(png, 33, png.length - 33);
    return bytes.toByteArray();
  }

  /** A TIFF with further directories, copies of the first. */
  private static byte[] pages(byte[] tiff, int count) {
    var first = ByteBuffer.wrap(tiff).order(ByteOrder.LITTLE_ENDIAN);
    int directory = first.getInt(4);
    int length = 2 + 12 * first.getShort(directory) + 4;
    var all = ByteBuffer.allocate(tiff.length + (count - 1) * length).put(tiff);
    all.order(ByteOrder.LITTLE_ENDIAN);
    int last = directory;
    for (int page = 1; page < count; page++) {
      int at = all.position();
      all.put(tiff, directory, length);
      all.putInt(last + length - 4, at);
      last = at;
    }
    all.putInt(last + length - 4, 0);
    return all.array();
  }

  /** An animation of pictures of 8 x 8: a written GIF whose image block is repeated. */
  private static byte[] gif(int frames) throws IOException {
    var one = new ByteArrayOutputStream();
    ImageIO.write(new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_INDEXED), "gif", one);
    byte[] bytes = one.toByteArray();
    int block = 13 + (3 << ((bytes[10] & 7) + 1));
    while (bytes[block] != 0x2c) { // extensions
      block += 2;
      while (bytes[block] != 0) {
        block += 1 + (bytes[block] & 0xff);
      }
      block++;
    }
    var all = new ByteArrayOutputStream();
    all.write(bytes, 0, block);
    for (int i = 0; i < frames; i++) {
      all.write(bytes, block, bytes.length - 1 - block);
    }
    all.write(0x3b);
    return all.toByteArray();
  }

  private static int indexOfScan(byte[] jpeg, int number) {
    int found = 0;
    for (int at = 0; at < jpeg.length - 1; at++) {
      if (jpeg[at] == (byte) 0xff && jpeg[at + 1] == (byte) 0xda && ++found == number) {
        return at;
      }
    }
    throw new IllegalArgumentException("no scan " + number);
  }
}
