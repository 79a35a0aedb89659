package flora.models.image;

import java.awt.image.Raster;

/**
 * Turns the stored samples of a JPEG into RGB with libjpeg's integer tables, so that the result
 * equals Pillow's. CMYK is taken as inverted, as Pillow (and every program of Adobe's) does.
 */
final class JpegColours {

  private static final int BITS = 16;
  private static final int HALF = 1 << (BITS - 1);

  /** What each level of the two colour samples adds; green's stand before the shift. */
  private static final int[] RED = new int[256];

  private static final int[] BLUE = new int[256];
  private static final int[] GREEN_OF_CB = new int[256];
  private static final int[] GREEN_OF_CR = new int[256];

  static {
    for (int level = 0; level < 256; level++) {
      RED[level] = (fix(1.40200) * (level - 128) + HALF) >> BITS;
      BLUE[level] = (fix(1.77200) * (level - 128) + HALF) >> BITS;
      GREEN_OF_CB[level] = -fix(0.34414) * (level - 128) + HALF;
      GREEN_OF_CR[level] = -fix(0.71414) * (level - 128);
    }
  }

  private JpegColours() {}

  /** The pixels of a raster of 1, 3 or 4 bands. */
  static RgbImage rgb(Raster raster, JpegMarkers markers) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] pixels = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    var in = InterleavedBytes.of(raster, 0);
    byte[] row = new byte[width * in.stride];
    for (int y = 0; y < height; y++) {
      System.arraycopy(in.samples, in.at(y, 0), row, 0, row.length);
      if (markers.halfRows()) {
        smooth(in, y, height, row);
      }
      row(row, in.stride, markers.colours(), pixels, 3 * y * width);
    }
    return new RgbImage(width, height, pixels);
  }

  /**
   * Where colour has half the rows, Java's libjpeg repeats each; libjpeg-turbo, and so Pillow,
   * mixes in a quarter of the next nearest (h1v2_fancy_upsample).
   */
  private static void smooth(InterleavedBytes in, int y, int height, byte[] row) {
    int last = (height - 1) / 2 * 2;
    int near = y / 2 * 2;
    int far = Math.clamp(y % 2 == 0 ? near - 2 : near + 2, 0, last);
    int rounding = y % 2 == 0 ? 1 : 2;
    for (int at = 0; at < row.length; at += in.stride) {
      for (int band = 1; band <= 2; band++) {
        int a = in.samples[in.at(near, band) + at] & 0xff;
        int b = in.samples[in.at(far, band) + at] & 0xff;
        row[at + band] = (byte) ((3 * a + b + rounding) >> 2);
      }
    }
  }

  private static void row(
      byte[] in, int stride, JpegMarkers.Colours colours, byte[] out, int start) {
    int to = start;
    switch (colours) {
      case GREY -> {
        for (int at = 0; at < in.length; at += stride, to += 3) {
          put(out, to, in[at], in[at], in[at]);
        }
      }
      case RGB -> {
        for (int at = 0; at < in.length; at += stride, to += 3) {
          put(out, to, in[at], in[at + 1], in[at + 2]);
        }
      }
      case YCC -> {
        for (int at = 0; at < in.length; at += stride, to += 3) {
          int y = in[at] & 0xff;
          int cb = in[at + 1] & 0xff;
          int cr = in[at + 2] & 0xff;
          put(out, to, red(y, cr), green(y, cb, cr), blue(y, cb));
        }
      }
      case CMYK -> {
        for (int at = 0; at < in.length; at += stride, to += 3) {
          cmyk(~in[at] & 0xff, ~in[at + 1] & 0xff, ~in[at + 2] & 0xff, ~in[at + 3] & 0xff, out, to);
        }
      }
      case YCCK -> {
        // libjpeg gives 255 - RGB as the CMY of YCCK; the inversion takes that back
        for (int at = 0; at < in.length; at += stride, to += 3) {
          int y = in[at] & 0xff;
          int cb = in[at + 1] & 0xff;
          int cr = in[at + 2] & 0xff;
          cmyk(red(y, cr), green(y, cb, cr), blue(y, cb), ~in[at + 3] & 0xff, out, to);
        }
      }
      case OTHER -> throw new IllegalArgumentException("no rule for these colours");
    }
  }

  /** Pillow's cmyk2rgb: R = (1 - K) (1 - C), rounded as it rounds. */
  static void cmyk(int c, int m, int y, int k, byte[] out, int to) {
    int white = 255 - k;
    put(out, to, white - scaled(c, white), white - scaled(m, white), white - scaled(y, white));
  }

  private static int scaled(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
  }

  private static int red(int y, int cr) {
    return clamp(y + RED[cr]);
  }

  private static int green(int y, int cb, int cr) {
    return clamp(y + ((GREEN_OF_CB[cb] + GREEN_OF_CR[cr]) >> BITS));
  }

  private static int blue(int y, int cb) {
    return clamp(y + BLUE[cb]);
  }

  private static int fix(double value) {
    return (int) (value * (1 << BITS) + 0.5);
  }

  private static int clamp(int value) {
    return Math.min(Math.max(value, 0), 255);
  }

  private static void put(byte[] out, int to, int r, int g, int b) {
    out[to] = (byte) r;
    out[to + 1] = (byte) g;
    out[to + 2] = (byte) b;
  }
}
