package flora.schemas.dataset;

import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Which size a picture is cut to, as kohya's sd-scripts decide it: pictures keep about their shape,
 * and there are few shapes, each of about the same area. Immutable.
 */
public final class Buckets {

  private sealed interface Choice {
    /** One size for all. */
    record Single(Bucket bucket) implements Choice {}

    /** The one of these whose shape is nearest. */
    record Nearest(List<Bucket> buckets) implements Choice {}

    /** What is left of the picture's own size, made smaller where it has more than that area. */
    record Own(long area) implements Choice {}
  }

  private final Choice choice;
  private final int step;

  private Buckets(Choice choice, int step) {
    this.choice = choice;
    this.step = step;
  }

  /**
   * Where a picture comes to lie.
   *
   * @param bucket what is cut out of the resized picture
   * @param width of the resized picture; at least the bucket's
   * @param height of the resized picture; at least the bucket's
   */
  public record Placed(Bucket bucket, int width, int height) {
    /** Whether the picture has to be made larger. */
    public boolean enlarges(int pictureWidth, int pictureHeight) {
      return width > pictureWidth || height > pictureHeight;
    }
  }

  /**
   * Sides that buckets may have, pixels.
   *
   * @param least shortest side
   * @param most longest side
   * @param step what every side is a multiple of
   */
  public record Sides(int least, int most, int step) {
    public Sides {
      if (step < 1 || least < step || most < least) {
        throw new IllegalArgumentException(
            "sides from %d to %d in steps of %d; expected 1 <= step <= least <= most"
                .formatted(least, most, step));
      }
    }
  }

  /** No buckets: every picture is cut to this size. */
  public static Buckets single(int width, int height) {
    return new Buckets(new Choice.Single(new Bucket(width, height)), 1);
  }

  /** Buckets of about the area of {@code width × height}. */
  public static Buckets of(int width, int height, Sides sides) {
    return new Buckets(new Choice.Nearest(sizes(width, height, sides)), sides.step());
  }

  /** Sizes of the pictures' own, up to the area of {@code width × height}: none is enlarged. */
  public static Buckets withoutEnlarging(int width, int height, int step) {
    return new Buckets(new Choice.Own((long) width * height), step);
  }

  /** The sizes that there are, narrow ones first; empty when they depend on the pictures. */
  public List<Bucket> sizes() {
    return switch (choice) {
      case Choice.Single single -> List.of(single.bucket());
      case Choice.Nearest nearest -> nearest.buckets();
      case Choice.Own _ -> List.of();
    };
  }

  /**
   * Where a picture of that size comes to lie; empty when it is smaller than the smallest bucket
   * and must not be enlarged.
   */
  public Optional<Placed> place(int width, int height) {
    return switch (choice) {
      case Choice.Single single -> Optional.of(cover(single.bucket(), width, height));
      case Choice.Nearest nearest -> Optional.of(nearest(nearest.buckets(), width, height));
      case Choice.Own own -> own(own.area(), width, height);
    };
  }

  private static List<Bucket> sizes(int width, int height, Sides sides) {
    long area = (long) width * height;
    int step = sides.step();
    var sizes = new TreeSet<Bucket>();
    int square = (int) Math.floor(Math.sqrt((double) area) / step) * step;
    if (square >= 1) {
      sizes.add(new Bucket(square, square));
    }
    for (int side = sides.least(); side <= sides.most(); side += step) {
      int other = (int) Math.min(sides.most(), area / side / step * step);
      if (other >= sides.least()) {
        sizes.add(new Bucket(side, other));
        sizes.add(new Bucket(other, side));
      }
    }
    return List.copyOf(sizes);
  }

  /** torchvision's {@code Resize} for squares, which cuts the longer edge to a whole number. */
  private static Placed cover(Bucket bucket, int width, int height) {
    if (bucket.width() != bucket.height()) {
      return scaled(bucket, width, height);
    }
    long size = bucket.width();
    int longer =
        Math.toIntExact(
            (long) ((double) (size * Math.max(width, height)) / Math.min(width, height)));
    return width <= height
        ? new Placed(bucket, bucket.width(), longer)
        : new Placed(bucket, longer, bucket.height());
  }

  private static Placed nearest(List<Bucket> buckets, int width, int height) {
    var own = new Bucket(width, height);
    if (buckets.contains(own)) {
      return new Placed(own, width, height);
    }
    double shape = (double) width / height;
    var best = buckets.getFirst();
    for (var bucket : buckets) {
      if (Math.abs(shape(bucket) - shape) < Math.abs(shape(best) - shape)) {
        best = bucket;
      }
    }
    return scaled(best, width, height);
  }

  /** The side that has less to spare fits exactly. */
  private static Placed scaled(Bucket bucket, int width, int height) {
    double scale =
        (double) width / height > shape(bucket)
            ? (double) bucket.height() / height
            : (double) bucket.width() / width;
    return new Placed(bucket, rounded(width * scale), rounded(height * scale));
  }

  private Optional<Placed> own(long area, int width, int height) {
    int resizedWidth = width;
    int resizedHeight = height;
    if ((long) width * height > area) {
      double shape = (double) width / height;
      double idealWidth = Math.sqrt(area * shape);
      // one side becomes a multiple of the step, the one that keeps the shape better
      int byWidth = down(rounded(idealWidth));
      int itsHeight = byWidth == 0 ? 0 : down(rounded(byWidth / shape));
      int byHeight = down(rounded(area / idealWidth));
      int itsWidth = byHeight == 0 ? 0 : down(rounded(byHeight * shape));
      if (itsHeight == 0 || byHeight == 0) {
        return Optional.empty();
      }
      double first = Math.abs((double) byWidth / itsHeight - shape);
      double second = Math.abs((double) itsWidth / byHeight - shape);
      resizedWidth = first < second ? byWidth : rounded(byHeight * shape);
      resizedHeight = first < second ? rounded(byWidth / shape) : byHeight;
    }
    var bucket = new Bucket(down(resizedWidth), down(resizedHeight));
    return bucket.width() == 0 || bucket.height() == 0
        ? Optional.empty()
        : Optional.of(new Placed(bucket, resizedWidth, resizedHeight));
  }

  private int down(int side) {
    return side - side % step;
  }

  private static double shape(Bucket bucket) {
    return (double) bucket.width() / bucket.height();
  }

  private static int rounded(double side) {
    return (int) (side + 0.5);
  }
}
