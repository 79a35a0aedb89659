package flora.models.image;

/**
 * Pillow's {@code Image.resize} on 8-bit RGB, to the bit: an antialiasing filter whose support
 * grows with the reduction, weights in fixed point, one pass for each direction, each rounded to 8
 * bits.
 *
 * <p>Source: libImaging/Resample.c.
 */
public enum Resampling {
  /** A sinc window of three lobes. */
  LANCZOS(1, 3) {
    @Override
    double weight(double x) {
      return x > -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  },
  /** Triangle. */
  BILINEAR(2, 1) {
    @Override
    double weight(double x) {
      double d = Math.abs(x);
      return d < 1 ? 1 - d : 0;
    }
  },
  /** Cubic with a = -0.5 (Keys, <a href="https://doi.org/10.1109/TASSP.1981.1163711">1981</a>). */
  BICUBIC(3, 2) {
    @Override
    double weight(double x) {
      double a = -0.5;
      double d = Math.abs(x);
      if (d < 1) {
        return ((a + 2) * d - (a + 3)) * d * d + 1;
      }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    }
  },
  /** The mean over the covered pixels. */
  BOX(4, 0.5) {
    @Override
    double weight(double x) {
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    }
  },
  /** A sinc of one lobe in a Hamming window. */
  HAMMING(5, 1) {
    @Override
    double weight(double x) {
      double d = Math.abs(x);
      if (d == 0) {
        return 1;
      }
      return d >= 1 ? 0 : sinc(d) * (0.54 + 0.46 * Math.cos(Math.PI * d));
    }
  };

  private static final int PRECISION = 32 - 8 - 2;

  private final int code;
  private final double support;

  Resampling(int code, double support) {
    this.code = code;
    this.support = support;
  }

  /** Pillow's number for the filter, as in {@code preprocessor_config.json}. */
  public int code() {
    return code;
  }

  /** The filter's height at a distance from its centre. */
  abstract double weight(double x);

  /** The picture in another size. */
  public RgbImage resize(RgbImage image, int width, int height) {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException("a picture cannot be %d x %d".formatted(width, height));
    }
    if (verticalFirst(image, width, height)) {
      return toWidth(toHeight(image, height), width);
    }
    return toHeight(toWidth(image, width), height);
  }

  /**
   * Pillow 13 takes the pass first that saves the other one work. The rule was read off its results
   * (tools/parity/make_images.py checks it); earlier releases always begin with the horizontal
   * pass.
   */
  private static boolean verticalFirst(RgbImage image, int width, int height) {
    int rowsSaved = image.height() - height;
    return rowsSaved > 0 && rowsSaved > 2L * (image.width() - width);
  }

  private RgbImage toWidth(RgbImage image, int width) {
    if (width == image.width()) {
      return image;
    }
    byte[] pixels =
        horizontal(image.pixels(), image.width(), image.height(), weights(image.width(), width));
    return new RgbImage(width, image.height(), pixels);
  }

  private RgbImage toHeight(RgbImage image, int height) {
    if (height == image.height()) {
      return image;
    }
    byte[] pixels = vertical(image.pixels(), image.width(), weights(image.height(), height));
    return new RgbImage(image.width(), height, pixels);
  }

  /**
   * For each output position the first input position and the fixed-point weights from there on.
   */
  private static final class Weights {
    private final int[] first;
    private final int[][] fixed;

    Weights(int to) {
      first = new int[to];
      fixed = new int[to][];
    }
  }

  private Weights weights(int from, int to) {
    double scale = (double) from / to;
    double stretch = Math.max(scale, 1);
    double reach = support * stretch;
    var weights = new Weights(to);
    for (int i = 0; i < to; i++) {
      double centre = (i + 0.5) * scale;
      int low = Math.max((int) (centre - reach + 0.5), 0);
      int high = Math.min((int) (centre + reach + 0.5), from);
      double[] exact = new double[high - low];
      double sum = 0;
      for (int x = 0; x < exact.length; x++) {
        exact[x] = weight((x + low - centre + 0.5) * (1 / stretch));
        sum += exact[x];
      }
      weights.first[i] = low;
      weights.fixed[i] = new int[exact.length];
      for (int x = 0; x < exact.length; x++) {
        double w = (sum == 0 ? exact[x] : exact[x] / sum) * (1 << PRECISION);
        weights.fixed[i][x] = (int) (w < 0 ? w - 0.5 : w + 0.5);
      }
    }
    return weights;
  }

  private static byte[] horizontal(byte[] in, int width, int height, Weights weights) {
    int to = weights.first.length;
    byte[] out = new byte[Math.multiplyExact(3, Math.multiplyExact(to, height))];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < to; x++) {
        convolve(
            in, 3 * (y * width + weights.first[x]), 3, weights.fixed[x], out, 3 * (y * to + x));
      }
    }
    return out;
  }

  private static byte[] vertical(byte[] in, int width, Weights weights) {
    int to = weights.first.length;
    byte[] out = new byte[Math.multiplyExact(3, Math.multiplyExact(width, to))];
    for (int y = 0; y < to; y++) {
      int row = 3 * width * weights.first[y];
      for (int x = 0; x < width; x++) {
        convolve(in, row + 3 * x, 3 * width, weights.fixed[y], out, 3 * (y * width + x));
      }
    }
    return out;
  }

  private static void convolve(byte[] in, int at, int step, int[] weights, byte[] out, int to) {
    int r = 1 << (PRECISION - 1);
    int g = r;
    int b = r;
    int from = at;
    for (int w : weights) {
      r += (in[from] & 0xff) * w;
      g += (in[from + 1] & 0xff) * w;
      b += (in[from + 2] & 0xff) * w;
      from += step;
    }
    out[to] = (byte) Math.clamp(r >> PRECISION, 0, 255);
    out[to + 1] = (byte) Math.clamp(g >> PRECISION, 0, 255);
    out[to + 2] = (byte) Math.clamp(b >> PRECISION, 0, 255);
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
  }
}
