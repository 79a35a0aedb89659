package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.schemas.dataset.Buckets;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says how pictures are cut.
 *
 * @param resolution side of the training pictures, pixels; their width when there is a height
 * @param centerCrop crop in the middle; else at a place that depends on seed and picture
 * @param randomFlip mirror half of the pictures
 * @param resolutionHeight height of the training pictures, pixels; null = {@code resolution}
 * @param enableBucket pictures keep about their shape, batches are of one shape; absent = false
 * @param minBucketReso shortest side of a bucket, pixels; absent = 256
 * @param maxBucketReso longest side of a bucket, pixels; absent = 1024
 * @param bucketResoSteps every side is a multiple of it, pixels; absent = 64
 * @param bucketNoUpscale small pictures get buckets of their own size; absent = false
 * @param repeats how often a picture is shown in one epoch; absent = 1
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record PicturePlan(
    @Written int resolution,
    @Written boolean centerCrop,
    @Written boolean randomFlip,
    @Nullable Integer resolutionHeight,
    Boolean enableBucket,
    Integer minBucketReso,
    Integer maxBucketReso,
    Integer bucketResoSteps,
    Boolean bucketNoUpscale,
    Integer repeats) {

  public PicturePlan {
    enableBucket = enableBucket == null ? false : enableBucket;
    minBucketReso = minBucketReso == null ? 256 : minBucketReso;
    maxBucketReso = maxBucketReso == null ? 1024 : maxBucketReso;
    bucketResoSteps = bucketResoSteps == null ? 64 : bucketResoSteps;
    bucketNoUpscale = bucketNoUpscale == null ? false : bucketNoUpscale;
    repeats = repeats == null ? 1 : repeats;
  }

  /** What holds when nothing is said. */
  PicturePlan() {
    this(512, true, false, null, false, 256, 1024, 64, false, 1);
  }

  /** What pictures are cut to. */
  public Buckets buckets() {
    int height = resolutionHeight == null ? resolution : resolutionHeight;
    if (!enableBucket) {
      return Buckets.single(resolution, height);
    }
    return bucketNoUpscale
        ? Buckets.withoutEnlarging(resolution, height, bucketResoSteps)
        : Buckets.of(
            resolution, height, new Buckets.Sides(minBucketReso, maxBucketReso, bucketResoSteps));
  }

  /** Squares of one size, each picture once an epoch. */
  public static PicturePlan of(int resolution, boolean centerCrop, boolean randomFlip) {
    return new PicturePlan(
        resolution, centerCrop, randomFlip, null, false, 256, 1024, 64, false, 1);
  }
}
