package flora.models.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import flora.models.image.Resampling.Part;

/** Sizes and crops as the peers compute them. */
final class Framing {

  private Framing() {}

  /** More would not be a picture any more, but an array that no machine should hold. */
  private static final long MAX_RESIZED = 1L << 27;

  /**
   * The picture with its shorter edge at that size, the longer one cut to a whole number.
   *
   * @throws ImageUnreadable when the picture is so narrow that the longer edge would be endless
   */
  static RgbImage shortestEdge(RgbImage image, int size, Resampling filter) {
    var whole = shortestEdge(image, size);
    refuseEndless(image, whole);
    return filter.resize(image, whole.width(), whole.height());
  }

  /** The size of a picture with its shorter edge at that many pixels. */
  static Part shortestEdge(RgbImage image, int size) {
    int w = image.width();
    int h = image.height();
    int longer = Math.toIntExact((long) ((double) ((long) size * Math.max(w, h)) / Math.min(w, h)));
    return w <= h ? new Part(0, 0, size, longer) : new Part(0, 0, longer, size);
  }

  /** Throws {@link ImageUnreadable} for a size that no array should have. */
  static void refuseEndless(RgbImage image, Part whole) {
    if ((long) whole.width() * whole.height() > MAX_RESIZED) {
      throw new ImageUnreadable(
          Reason.TOO_LARGE,
          "the picture is %d x %d and would be resized to %d x %d: it is too narrow"
              .formatted(image.width(), image.height(), whole.width(), whole.height()));
    }
  }

  /**
   * The part that starts at a corner; the corner may lie outside, and what lies outside is black.
   */
  static RgbImage crop(RgbImage image, int left, int top, int width, int height) {
    if (left == 0 && top == 0 && width == image.width() && height == image.height()) {
      return image;
    }
    byte[] pixels = new byte[3 * width * height];
    int from = Math.max(0, left);
    int to = Math.min(image.width(), left + width);
    for (int y = Math.max(0, top); y < Math.min(image.height(), top + height) && from < to; y++) {
      System.arraycopy(
          image.pixels(),
          3 * (y * image.width() + from),
          pixels,
          3 * ((y - top) * width + from - left),
          3 * (to - from));
    }
    return new RgbImage(width, height, pixels);
  }
}
