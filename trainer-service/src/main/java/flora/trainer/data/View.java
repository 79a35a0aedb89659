package flora.trainer.data;

import flora.models.image.TrainingTransform.Cut;
import flora.models.random.RandomStream;
import flora.schemas.dataset.Bucket;
import flora.schemas.dataset.Buckets.Placed;
import flora.schemas.request.PicturePlan;
import flora.trainer.data.DataOrder.Draw;
import java.util.List;

/**
 * How a picture is seen once: which part of it, and whether mirrored. Two showings with the same
 * view have the same pixels.
 *
 * @param picture index in the dataset
 * @param cut what is seen of it
 */
public record View(int picture, Cut cut) {

  /** The size of what is seen. */
  public Bucket bucket() {
    return new Bucket(cut.width(), cut.height());
  }

  /**
   * Chooses views as the peers' transforms do: the picture is made to cover its bucket, then a part
   * of the bucket's size is cut out of it.
   */
  public static final class Chooser {

    private final RandomStream crops;
    private final RandomStream flips;
    private final PicturePlan plan;

    /** A chooser under a seed. */
    public Chooser(long seed, PicturePlan plan) {
      this.crops = RandomStream.of(seed, "crop");
      this.flips = RandomStream.of(seed, "flip");
      this.plan = plan;
    }

    /** The view of one showing. */
    public View choose(Draw draw, Placed placed) {
      boolean mirrored = plan.randomFlip() && flips.unit(draw.number(), 0) < 0.5;
      if (plan.centerCrop()) {
        return middle(draw.picture(), placed, mirrored);
      }
      int left = crops.below(spareWidth(placed) + 1, draw.number(), 0);
      int top = crops.below(spareHeight(placed) + 1, draw.number(), 1);
      return view(draw.picture(), placed, left, top, mirrored);
    }

    /** All views that a picture may have; empty when they are too many to be counted. */
    public List<View> all(int picture, Placed placed) {
      if (!plan.centerCrop() && spareWidth(placed) + spareHeight(placed) > 0) {
        return List.of();
      }
      var plain = middle(picture, placed);
      return plan.randomFlip() ? List.of(plain, middle(picture, placed, true)) : List.of(plain);
    }

    /** The middle of a picture, as it is. */
    public View middle(int picture, Placed placed) {
      return middle(picture, placed, false);
    }

    private View middle(int picture, Placed placed, boolean mirrored) {
      int left = half(spareWidth(placed));
      int top = half(spareHeight(placed));
      return view(picture, placed, left, top, mirrored);
    }

    /**
     * With buckets, sd-scripts' {@code spare // 2}; else torchvision's {@code int(round(spare /
     * 2.0))}: Python rounds halves to the even number.
     */
    private int half(int spare) {
      return plan.enableBucket() ? spare / 2 : (int) Math.rint(spare / 2.0);
    }

    private static View view(int picture, Placed placed, int left, int top, boolean mirrored) {
      var bucket = placed.bucket();
      return new View(
          picture,
          new Cut(
              placed.width(),
              placed.height(),
              left,
              top,
              bucket.width(),
              bucket.height(),
              mirrored));
    }

    private static int spareWidth(Placed placed) {
      return placed.width() - placed.bucket().width();
    }

    private static int spareHeight(Placed placed) {
      return placed.height() - placed.bucket().height();
    }
  }
}
