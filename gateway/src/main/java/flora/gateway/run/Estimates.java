package flora.gateway.run;

import flora.schemas.Sha256;
import flora.schemas.dataset.Bucket;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.Showings;
import flora.schemas.request.TrainingPlan;
import java.util.HashSet;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a training would come to, by the newest version of its dataset; pictures that have come
 * since count once they are labelled.
 *
 * @param datasetVersion that version; null where there is none yet
 * @param pictures that are trained on; null without a version
 * @param samples how many are shown in an epoch; null without a version
 * @param buckets what they are cut to, narrow ones first; empty without a version
 * @param batchSize pictures in one forward pass; null where memory decides
 * @param steps optimizer steps; null where the pictures decide and there is no version
 * @param epochs passes that are begun; null without a version
 * @param seconds always null: nobody has measured
 * @param problem why it would fail; null where nothing is known
 */
record Estimates(
    @Nullable Sha256 datasetVersion,
    @Nullable Integer pictures,
    @Nullable Long samples,
    List<Cut> buckets,
    @Nullable Integer batchSize,
    @Nullable Long steps,
    @Nullable Long epochs,
    @Nullable Long seconds,
    @Nullable String problem) {

  Estimates {
    buckets = List.copyOf(buckets);
  }

  /** How many showings of an epoch have a size. */
  record Cut(int width, int height, long samples) {}

  /** Before anything was labelled. */
  static Estimates of(TrainingPlan.StableDiffusionLora plan) {
    var steps = plan.optimizer().maxTrainSteps();
    return new Estimates(
        null,
        null,
        null,
        List.of(),
        batch(plan),
        steps == null ? null : Long.valueOf(steps),
        null,
        null,
        null);
  }

  /** By a version. */
  static Estimates of(
      TrainingPlan.StableDiffusionLora plan, Sha256 version, DatasetManifest manifest) {
    var images = manifest.images();
    var judged = plan.validation();
    var own = judged.validationSeed();
    var out =
        new HashSet<>(
            Showings.heldOut(
                images.size(),
                i -> images.get(i).sha256(),
                i -> images.get(i).fileName(),
                judged.validationSplit(),
                own == null ? plan.seed() : own));
    var buckets = plan.pictures().buckets();
    var samples = new TreeMap<Bucket, Long>();
    String problem = null;
    for (int i = 0; i < images.size(); i++) {
      var image = images.get(i);
      var placed = buckets.place(image.width(), image.height());
      if (placed.isEmpty()) {
        problem =
            "%s, %d x %d pixels, is smaller than any bucket, and bucket_no_upscale is set"
                .formatted(image.fileName(), image.width(), image.height());
      } else if (!out.contains(i)) {
        long times = (long) plan.pictures().repeats() * Showings.repeats(image.fileName());
        samples.merge(placed.get().bucket(), times, Long::sum);
      }
    }
    samples.values().removeIf(times -> times == 0);
    if (problem == null && samples.isEmpty()) {
      problem = "no picture is left to train on";
    }
    var cuts =
        samples.entrySet().stream()
            .map(e -> new Cut(e.getKey().width(), e.getKey().height(), e.getValue()))
            .toList();
    var batch = batch(plan);
    Long perEpoch = batch == null || cuts.isEmpty() ? null : stepsPerEpoch(plan, cuts, batch);
    var steps = steps(plan, perEpoch);
    return new Estimates(
        version,
        images.size() - out.size(),
        cuts.stream().mapToLong(Cut::samples).sum(),
        cuts,
        batch,
        steps,
        steps == null || perEpoch == null ? null : Math.ceilDiv(steps, (long) perEpoch),
        null,
        problem);
  }

  /** A batch holds pictures of one size; the last step of an epoch may have fewer batches. */
  private static long stepsPerEpoch(
      TrainingPlan.StableDiffusionLora plan, List<Cut> cuts, int batch) {
    long batches = cuts.stream().mapToLong(cut -> Math.ceilDiv(cut.samples(), (long) batch)).sum();
    return Math.ceilDiv(batches, (long) plan.optimizer().gradientAccumulationSteps());
  }

  private static @Nullable Integer batch(TrainingPlan.StableDiffusionLora plan) {
    return plan.optimizer().batchSizeAuto() ? null : Integer.valueOf(plan.optimizer().batchSize());
  }

  private static @Nullable Long steps(
      TrainingPlan.StableDiffusionLora plan, @Nullable Long perEpoch) {
    var steps = plan.optimizer().maxTrainSteps();
    var epochs = plan.optimizer().epochs();
    if (steps != null) {
      return Long.valueOf(steps);
    }
    return perEpoch == null || epochs == null ? null : Long.valueOf(perEpoch * epochs);
  }
}
