package flora.standalone.demo;

import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.Collection;

/**
 * How striped a picture is, from its pixels alone: the height, in grey levels, of the wave that has
 * two dark and two light halves across the picture.
 *
 * <p>Looked at are the upper and the lower edge, where no shape reaches: their columns' mean
 * brightness, less the straight line through it, times a cosine and a sine of two periods. Stripes
 * of equal width that differ by 85 levels give 45 at most, and 37 after the demo's autoencoder;
 * plain drawings give 1 to 11.
 */
final class StyleStatistic {

  /** Above every plain drawing and below every striped one, before and after the autoencoder. */
  static final double THRESHOLD = 15;

  /** This part of the previews must be striped with the adapter, and the rest may be without. */
  static final double MAJORITY = 0.75;

  private static final int SIDE = 64;
  private static final int EDGE = 10;
  private static final int PERIODS = 2;

  /** What the statistic says of previews without and with an adapter. */
  record Verdict(
      double meanBefore, double meanAfter, int stripedBefore, int stripedAfter, int count) {

    /** Most are striped with the adapter and few without it. */
    boolean passes() {
      return stripedAfter >= MAJORITY * count && stripedBefore <= (1 - MAJORITY) * count;
    }
  }

  private StyleStatistic() {}

  static Verdict compare(Collection<BufferedImage> before, Collection<BufferedImage> after) {
    if (before.size() != after.size() || before.isEmpty()) {
      throw new IllegalArgumentException(
          "expected as many pictures with as without the adapter, not %d and %d"
              .formatted(after.size(), before.size()));
    }
    return new Verdict(mean(before), mean(after), striped(before), striped(after), before.size());
  }

  /** In grey levels; 0 for a picture whose columns are equally bright. */
  static double of(BufferedImage picture) {
    var columns = edgeColumns(scaled(picture));
    removeLine(columns);
    double cosine = 0;
    double sine = 0;
    for (int x = 0; x < SIDE; x++) {
      double angle = 2 * Math.PI * PERIODS * x / SIDE;
      cosine += columns[x] * Math.cos(angle);
      sine += columns[x] * Math.sin(angle);
    }
    return 2 * Math.hypot(cosine, sine) / SIDE;
  }

  private static double mean(Collection<BufferedImage> pictures) {
    return pictures.stream().mapToDouble(StyleStatistic::of).average().orElseThrow();
  }

  private static int striped(Collection<BufferedImage> pictures) {
    return (int) pictures.stream().filter(picture -> of(picture) > THRESHOLD).count();
  }

  private static BufferedImage scaled(BufferedImage picture) {
    var small = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    var graphics = small.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(picture, 0, 0, SIDE, SIDE, null);
    graphics.dispose();
    return small;
  }

  private static double[] edgeColumns(BufferedImage picture) {
    var columns = new double[SIDE];
    for (int x = 0; x < SIDE; x++) {
      for (int y = 0; y < EDGE; y++) {
        columns[x] += luminance(picture.getRGB(x, y));
        columns[x] += luminance(picture.getRGB(x, SIDE - 1 - y));
      }
      columns[x] /= 2 * EDGE;
    }
    return columns;
  }

  /** ITU-R BT.601. */
  private static double luminance(int rgb) {
    return 0.299 * (rgb >> 16 & 255) + 0.587 * (rgb >> 8 & 255) + 0.114 * (rgb & 255);
  }

  /** Takes away the least-squares line, so that a gradient is no stripe. */
  private static void removeLine(double[] values) {
    double middle = (values.length - 1) / 2.0;
    double mean = 0;
    double slope = 0;
    double squares = 0;
    for (int x = 0; x < values.length; x++) {
      mean += values[x] / values.length;
      slope += (x - middle) * values[x];
      squares += (x - middle) * (x - middle);
    }
    slope /= squares;
    for (int x = 0; x < values.length; x++) {
      values[x] -= mean + slope * (x - middle);
    }
  }
}
