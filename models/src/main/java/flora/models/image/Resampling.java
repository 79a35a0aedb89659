package flora.models.image;

import java.util.Arrays;

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
    return resize(image, width, height, new Part(0, 0, width, height));
  }

  /** A rectangle of a picture. */
  record Part(int left, int top, int width, int height) {}

  /** A part of the picture in another size: only what it consists of is computed. */
  RgbImage resize(RgbImage image, int width, int height, Part part) {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException("a picture cannot be %d x %d".formatted(width, height));
    }
    if (width == image.width() && height == image.height()) {
      return Framing.crop(image, part.left, part.top, part.width, part.height);
    }
    byte[] pixels = resize(image.pixels(), image.width(), image.height(), 3, width, height, part);
    return new RgbImage(part.width, part.height, pixels);
  }

  /** A part of a resized picture of any number of channels, whose samples lie pixel by pixel. */
  byte[] resize(
      byte[] in, int fromWidth, int fromHeight, int channels, int width, int height, Part part) {
    var columns = new Weights(fromWidth, width, part.left, part.width);
    var rows = new Weights(fromHeight, height, part.top, part.height);
    if (verticalFirst(fromWidth, fromHeight, width, height)) {
      int length = channels * columns.span();
      byte[] narrow = vertical(in, channels * fromWidth, channels * columns.low, length, rows, 0);
      return horizontal(narrow, channels, columns.span(), 0, part.height, columns, columns.low);
    }
    byte[] flat = horizontal(in, channels, fromWidth, rows.low, rows.span(), columns, 0);
    return vertical(flat, channels * part.width, 0, channels * part.width, rows, rows.low);
  }

  /**
   * Pillow 13 takes the pass first that saves the other one work. The rule was read off its results
   * (tools/parity/make_images.py checks it); earlier releases always begin with the horizontal
   * pass.
   */
  private static boolean verticalFirst(int fromWidth, int fromHeight, int width, int height) {
    int rowsSaved = fromHeight - height;
    return rowsSaved > 0 && rowsSaved > 2L * (fromWidth - width);
  }

  /**
   * For some output positions the first input position and the fixed-point weights from there on.
   */
  private final class Weights {
    private final int[] first;
    private final int[][] fixed;

    /** The input positions that have a weight: from {@code low} to before {@code high}. */
    private int low = Integer.MAX_VALUE;

    private int high;

    Weights(int from, int to, int start, int count) {
      first = new int[count];
      fixed = new int[count][];
      for (int i = 0; i < count; i++) {
        if (from == to) {
          // no pass at all: each position is itself
          first[i] = start + i;
          fixed[i] = new int[] {1 << PRECISION};
        } else {
          weigh(i, from, (double) from / to, start + i);
        }
        low = Math.min(low, first[i]);
        high = Math.max(high, first[i] + fixed[i].length);
      }
    }

    int span() {
      return high - low;
    }

    private void weigh(int i, int from, double scale, int position) {
      double stretch = Math.max(scale, 1);
      double reach = support * stretch;
      double centre = (position + 0.5) * scale;
      int begin = Math.max((int) (centre - reach + 0.5), 0);
      int end = Math.min((int) (centre + reach + 0.5), from);
      double[] exact = new double[end - begin];
      double sum = 0;
      for (int x = 0; x < exact.length; x++) {
        exact[x] = weight((x + begin - centre + 0.5) * (1 / stretch));
        sum += exact[x];
      }
      first[i] = begin;
      fixed[i] = new int[exact.length];
      for (int x = 0; x < exact.length; x++) {
        double w = (sum == 0 ? exact[x] : exact[x] / sum) * (1 << PRECISION);
        fixed[i][x] = (int) (w < 0 ? w - 0.5 : w + 0.5);
      }
    }
  }

  /**
   * Some rows of a picture, each made of as many pixels as there are weights. The channels of a row
   * are taken apart first: sums over neighbours in an array are what processors do fast.
   *
   * @param offset the weights' position of the first pixel of a row
   */
  private static byte[] horizontal(
      byte[] in, int channels, int width, int firstRow, int rows, Weights weights, int offset) {
    int to = weights.first.length;
    byte[] out = new byte[Math.multiplyExact(channels, Math.multiplyExact(to, rows))];
    int[] plane = new int[weights.span()];
    for (int y = 0; y < rows; y++) {
      int row = channels * ((firstRow + y) * width + weights.low - offset);
      for (int channel = 0; channel < channels; channel++) {
        for (int x = 0; x < plane.length; x++) {
          plane[x] = in[row + channels * x + channel] & 0xff;
        }
        for (int x = 0; x < to; x++) {
          int sum = dot(plane, weights.first[x] - weights.low, weights.fixed[x]);
          out[channels * (y * to + x) + channel] = rounded(sum);
        }
      }
    }
    return out;
  }

  private static int dot(int[] values, int from, int[] weights) {
    int sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += values[from + i] * weights[i];
    }
    return sum;
  }

  /**
   * As many rows as there are weights.
   *
   * @param stride bytes of a row
   * @param from the first byte of each row that counts
   * @param length how many count
   * @param offset the weights' position of the first row
   */
  private static byte[] vertical(
      byte[] in, int stride, int from, int length, Weights weights, int offset) {
    int to = weights.first.length;
    byte[] out = new byte[Math.multiplyExact(length, to)];
    int[] sums = new int[length];
    for (int y = 0; y < to; y++) {
      Arrays.fill(sums, 0);
      int row = (weights.first[y] - offset) * stride + from;
      for (int w : weights.fixed[y]) {
        for (int x = 0; x < length; x++) {
          sums[x] += (in[row + x] & 0xff) * w;
        }
        row += stride;
      }
      for (int x = 0; x < length; x++) {
        out[y * length + x] = rounded(sums[x]);
      }
    }
    return out;
  }

  private static byte rounded(int sum) {
    int value = (sum + (1 << (PRECISION - 1))) >> PRECISION;
    return (byte) Math.min(Math.max(value, 0), 255);
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
  }
}
