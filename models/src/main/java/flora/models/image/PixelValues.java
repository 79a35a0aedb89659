package flora.models.image;

/**
 * A picture as a network takes it: 32-bit floats, channel by channel: {@code [3, height, width]}.
 */
public final class PixelValues {

  private final int height;
  private final int width;
  private final float[] values;

  PixelValues(int height, int width, float[] values) {
    this.height = height;
    this.width = width;
    this.values = values;
  }

  /** Rows. */
  public int height() {
    return height;
  }

  /** Values in a row. */
  public int width() {
    return width;
  }

  /** The values themselves; not a copy. */
  public float[] values() {
    return values;
  }
}
