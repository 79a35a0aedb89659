package flora.standalone.bench;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;

/** Photographs' stand-ins: JPEG files of a gradient, shapes and noise. */
final class DrawnPictures {

  /** How many are drawn; more files are these again with another comment in them. */
  private static final int DRAWN = 32;

  private static final int SHAPES = 300;

  private DrawnPictures() {}

  /** A folder of so many files, none of them equal to another. */
  static Path draw(Path folder, int count, int width, int height) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < Math.min(count, DRAWN); i++) {
      byte[] jpeg = jpeg(width, height, i);
      for (int copy = i; copy < count; copy += DRAWN) {
        Files.write(folder.resolve("%05d.jpg".formatted(copy)), withComment(jpeg, copy));
      }
    }
    return folder;
  }

  private static byte[] jpeg(int width, int height, long seed) throws IOException {
    var random = new Random(seed);
    var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setPaint(new GradientPaint(0, 0, colour(random), width, height, colour(random)));
    graphics.fillRect(0, 0, width, height);
    for (int i = 0; i < SHAPES; i++) {
      graphics.setColor(colour(random));
      int side = 1 + random.nextInt(Math.max(2, width / 8));
      graphics.fillOval(random.nextInt(width), random.nextInt(height), side, side);
    }
    graphics.dispose();
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        // low bits of each channel: what sensors do
        image.setRGB(x, y, image.getRGB(x, y) ^ (random.nextInt() & 0x070707));
      }
    }
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "jpg", bytes);
    return bytes.toByteArray();
  }

  private static Color colour(Random random) {
    return new Color(random.nextInt(1 << 24));
  }

  /** A COM segment behind the SOI marker. */
  private static byte[] withComment(byte[] jpeg, int number) {
    var out = new ByteArrayOutputStream(jpeg.length + 8);
    out.write(jpeg, 0, 2);
    out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xfe, 0, 6});
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.write((number >> shift) & 0xff);
    }
    out.write(jpeg, 2, jpeg.length - 2);
    return out.toByteArray();
  }
}
