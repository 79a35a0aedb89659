package flora.models.image;

import java.time.Duration;

/**
 * What a picture may cost. Whatever goes beyond is refused by its header where that tells, and
 * otherwise when the time is over.
 *
 * @param maxPixels pixels of a picture; at most 536,870,911
 * @param maxSide pixels of its longer side
 * @param time that decoding may take; what was decoded until then is thrown away
 * @param rejectAnimated whether files of several pictures (GIF, APNG, TIFF) are refused; else the
 *     first one counts
 */
public record DecodeLimits(long maxPixels, long maxSide, Duration time, boolean rejectAnimated) {

  private static final long MOST_PIXELS = Integer.MAX_VALUE / 4;

  /**
   * The pixel count at which Pillow begins to warn of a decompression bomb, sides as long as those
   * of panoramas, half a minute.
   */
  public static final DecodeLimits DEFAULT =
      new DecodeLimits(89_478_485, 32_768, Duration.ofSeconds(30), false);

  /** For pictures that were looked at before: only what an array can hold. */
  public static final DecodeLimits LOOSE =
      new DecodeLimits(MOST_PIXELS, Integer.MAX_VALUE, Duration.ofHours(1), false);

  public DecodeLimits {
    maxPixels = Math.min(maxPixels, MOST_PIXELS);
    if (maxPixels < 1 || maxSide < 1 || !time.isPositive()) {
      throw new IllegalArgumentException(
          "expected limits above zero, but got %d pixels, a side of %d and %s"
              .formatted(maxPixels, maxSide, time));
    }
  }

  /** The same with another number of pixels. */
  public DecodeLimits withMaxPixels(long pixels) {
    return new DecodeLimits(pixels, maxSide, time, rejectAnimated);
  }

  /** The same with another policy for files of several pictures. */
  public DecodeLimits withRejectAnimated(boolean reject) {
    return new DecodeLimits(maxPixels, maxSide, time, reject);
  }
}
