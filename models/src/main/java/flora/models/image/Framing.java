package flora.models.image;

/** Sizes and crops as the peers compute them. */
final class Framing {

  private Framing() {}

  /** The picture with its shorter edge at that size, the longer one cut to a whole number. */
  static RgbImage shortestEdge(RgbImage image, int size, Resampling filter) {
    int w = image.width();
    int h = image.height();
    int longer = (int) ((double) ((long) size * Math.max(w, h)) / Math.min(w, h));
    return w <= h ? filter.resize(image, size, longer) : filter.resize(image, longer, size);
  }

  /**
   * The part that starts at a corner; the corner may lie outside, and what lies outside is black.
   */
  static RgbImage crop(RgbImage image, int left, int top, int width, int height) {
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
