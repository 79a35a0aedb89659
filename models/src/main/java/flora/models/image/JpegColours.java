package flora.models.image;

import java.awt.image.Raster;

/**
 * Turns the stored samples of a JPEG into RGB with libjpeg's integer tables, so that the result
 * equals Pillow's. CMYK is taken as inverted, as Pillow (and every program of Adobe's) does.
 */
final class JpegColours {

  private static final int BITS = 16;
  private static final int HALF = 1 << (BITS - 1);

  private JpegColours() {}

  /** The pixels of a raster of 1, 3 or 4 bands. */
  static RgbImage rgb(Raster raster, JpegMarkers markers) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    int bands = raster.getNumBands();
    byte[] pixels = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    int[] row = new int[width * bands];
    int to = 0;
    for (int y = 0; y < height; y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      if (markers.halfRows()) {
        smooth(raster, y, row);
      }
      for (int x = 0; x < width; x++, to += 3) {
        pixel(row, x * bands, markers.colours(), pixels, to);
      }
    }
    return new RgbImage(width, height, pixels);
  }

  /**
   * Where colour has half the rows, Java's libjpeg repeats each; libjpeg-turbo, and so Pillow,
   * mixes in a quarter of the next nearest (h1v2_fancy_upsample).
   */
  private static void smooth(Raster raster, int y, int[] row) {
    int bands = raster.getNumBands();
    int last = (raster.getHeight() - 1) / 2 * 2;
    int near = y / 2 * 2;
    int far = Math.clamp(y % 2 == 0 ? near - 2 : near + 2, 0, last);
    int rounding = y % 2 == 0 ? 1 : 2;
    for (int x = 0; x < raster.getWidth(); x++) {
      for (int band = 1; band <= 2; band++) {
        int a = raster.getSample(raster.getMinX() + x, raster.getMinY() + near, band);
        int b = raster.getSample(raster.getMinX() + x, raster.getMinY() + far, band);
        row[x * bands + band] = (3 * a + b + rounding) >> 2;
      }
    }
  }

  private static void pixel(int[] in, int at, JpegMarkers.Colours colours, byte[] out, int to) {
    switch (colours) {
      case GREY -> put(out, to, in[at], in[at], in[at]);
      case RGB -> put(out, to, in[at], in[at + 1], in[at + 2]);
      case YCC -> {
        int y = in[at];
        int cb = in[at + 1];
        int cr = in[at + 2];
        put(out, to, red(y, cr), green(y, cb, cr), blue(y, cb));
      }
      case CMYK ->
          cmyk(255 - in[at], 255 - in[at + 1], 255 - in[at + 2], 255 - in[at + 3], out, to);
      case YCCK -> {
        // libjpeg gives 255 - RGB as the CMY of YCCK; the inversion takes that back
        int y = in[at];
        int cb = in[at + 1];
        int cr = in[at + 2];
        cmyk(red(y, cr), green(y, cb, cr), blue(y, cb), 255 - in[at + 3], out, to);
      }
      case OTHER -> throw new IllegalArgumentException("no rule for these colours");
    }
  }

  /** Pillow's cmyk2rgb: R = (1 - K) (1 - C), rounded as it rounds. */
  private static void cmyk(int c, int m, int y, int k, byte[] out, int to) {
    int white = 255 - k;
    put(out, to, white - scaled(c, white), white - scaled(m, white), white - scaled(y, white));
  }

  private static int scaled(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
  }

  private static int red(int y, int cr) {
    return clamp(y + ((fix(1.40200) * (cr - 128) + HALF) >> BITS));
  }

  private static int green(int y, int cb, int cr) {
    return clamp(y + ((-fix(0.34414) * (cb - 128) - fix(0.71414) * (cr - 128) + HALF) >> BITS));
  }

  private static int blue(int y, int cb) {
    return clamp(y + ((fix(1.77200) * (cb - 128) + HALF) >> BITS));
  }

  private static int fix(double value) {
    return (int) (value * (1 << BITS) + 0.5);
  }

  private static int clamp(int value) {
    return Math.clamp(value, 0, 255);
  }

  private static void put(byte[] out, int to, int r, int g, int b) {
    out[to] = (byte) r;
    out[to + 1] = (byte) g;
    out[to + 2] = (byte) b;
  }
}
