package flora.schemas.dataset;

import java.util.Comparator;

/** A size that pictures are cut to, pixels; pictures of one batch have the same. */
public record Bucket(int width, int height) implements Comparable<Bucket> {

  private static final Comparator<Bucket> ORDER =
      Comparator.comparingInt(Bucket::width).thenComparingInt(Bucket::height);

  /** Width by height, narrow ones first. */
  @Override
  public int compareTo(Bucket other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return width + "x" + height;
  }
}
