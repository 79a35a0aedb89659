package flora.models.image;

import java.awt.image.BufferedImage;

/** A picture of 8-bit RGB pixels, row by row, three bytes each: {@code [height, width, 3]}. */
public final class RgbImage {

  private final int width;
  private final int height;
  private final byte[] pixels;

  /** Takes over the array, which nobody may change afterwards. */
  public RgbImage(int width, int height, byte[] pixels) {
    if (width <= 0 || height <= 0 || pixels.length != Math.multiplyExact(3, width * height)) {
      throw new IllegalArgumentException(
          "%d bytes are no picture of %d x %d".formatted(pixels.length, width, height));
    }
    this.width = width;
    this.height = height;
    this.pixels = pixels;
  }

  /** Pixels in a row. */
  public int width() {
    return width;
  }

  /** Rows. */
  public int height() {
    return height;
  }

  /** A copy for the platform's own drawing and writing. */
  public BufferedImage buffered() {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, (value(x, y, 0) << 16) | (value(x, y, 1) << 8) | value(x, y, 2));
      }
    }
    return image;
  }

  /** The value 0 to 255 of a channel (0 red, 1 green, 2 blue) at a place. */
  public int value(int x, int y, int channel) {
    return pixels[(y * width + x) * 3 + channel] & 0xff;
  }

  /** The pixels themselves; not a copy. */
  public byte[] pixels() {
    return pixels;
  }
}
