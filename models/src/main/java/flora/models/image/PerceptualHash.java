package flora.models.image;

import flora.models.image.Resampling.Part;
import java.util.Arrays;

/**
 * What a picture looks like in a few bytes: two pictures that look alike have hashes that differ in
 * few bits, and thumbnails that differ by little.
 *
 * <p>The hash equals {@code imagehash.phash} of Python: the picture in grey at 32 x 32, its 64
 * lowest frequencies, a bit for each that is above their median (<a
 * href="https://www.phash.org/docs/pubs/thesis_zauner.pdf">Zauner 2010</a>). It knows no colours:
 * the thumbnail does.
 */
public final class PerceptualHash {

  /** Pixels on each side of a thumbnail. */
  public static final int THUMB = 4;

  private static final int SIZE = 32;
  private static final int LOW = 8;

  /** More pixels of a cell than that on each side tell nothing new of its colour. */
  private static final int SAMPLES = 32;

  private static final double NOTHING = 1e-6;

  private static final double[][] COSINES = new double[LOW][SIZE];

  static {
    for (int k = 0; k < LOW; k++) {
      for (int n = 0; n < SIZE; n++) {
        COSINES[k][n] = 2 * Math.cos(Math.PI * k * (2 * n + 1) / (2 * SIZE));
      }
    }
  }

  private PerceptualHash() {}

  /** The 64 bits, row by row from the lowest frequency in the highest bit. */
  public static long of(RgbImage picture) {
    byte[] grey = grey(picture);
    byte[] small =
        Resampling.LANCZOS.resize(
            grey, picture.width(), picture.height(), 1, SIZE, SIZE, new Part(0, 0, SIZE, SIZE));
    double[] low = lowFrequencies(small);
    double[] sorted = low.clone();
    Arrays.sort(sorted);
    double median = (sorted[LOW * LOW / 2 - 1] + sorted[LOW * LOW / 2]) / 2;
    long hash = 0;
    for (double value : low) {
      hash = hash << 1 | (value > median ? 1 : 0);
    }
    return hash;
  }

  /** The mean colours of 4 x 4 cells: {@code [4, 4, 3]}. */
  public static byte[] thumb(RgbImage picture) {
    byte[] thumb = new byte[3 * THUMB * THUMB];
    for (int y = 0; y < THUMB; y++) {
      for (int x = 0; x < THUMB; x++) {
        for (int channel = 0; channel < 3; channel++) {
          thumb[3 * (y * THUMB + x) + channel] = mean(picture, x, y, channel);
        }
      }
    }
    return thumb;
  }

  private static byte mean(RgbImage picture, int cellX, int cellY, int channel) {
    long sum = 0;
    for (int i = 0; i < SAMPLES; i++) {
      int y = place(cellY, i, picture.height());
      for (int j = 0; j < SAMPLES; j++) {
        sum += picture.value(place(cellX, j, picture.width()), y, channel);
      }
    }
    return (byte) (sum / (SAMPLES * SAMPLES));
  }

  /** The pixel at a sample of a cell. */
  private static int place(int cell, int sample, int length) {
    return (int) ((2L * (cell * SAMPLES + sample) + 1) * length / (2L * THUMB * SAMPLES));
  }

  /** Pillow's {@code convert("L")}. */
  private static byte[] grey(RgbImage picture) {
    byte[] pixels = picture.pixels();
    byte[] grey = new byte[pixels.length / 3];
    for (int i = 0; i < grey.length; i++) {
      int red = pixels[3 * i] & 0xff;
      int green = pixels[3 * i + 1] & 0xff;
      int blue = pixels[3 * i + 2] & 0xff;
      grey[i] = (byte) ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
    }
    return grey;
  }

  /** The lowest frequencies of the cosine transform (DCT-II) in both directions. */
  private static double[] lowFrequencies(byte[] pixels) {
    double[][] columns = new double[LOW][SIZE];
    for (int k = 0; k < LOW; k++) {
      for (int x = 0; x < SIZE; x++) {
        for (int y = 0; y < SIZE; y++) {
          columns[k][x] += (pixels[y * SIZE + x] & 0xff) * COSINES[k][y];
        }
      }
    }
    double[] low = new double[LOW * LOW];
    for (int k = 0; k < LOW; k++) {
      for (int l = 0; l < LOW; l++) {
        double sum = 0;
        for (int x = 0; x < SIZE; x++) {
          sum += columns[k][x] * COSINES[l][x];
        }
        // frequencies that a symmetric picture lacks are nothing, not the rounding of it
        low[k * LOW + l] = Math.abs(sum) < NOTHING ? 0 : sum;
      }
    }
    return low;
  }
}
