package flora.trainer.data;

import flora.schemas.dataset.Bucket;
import flora.schemas.dataset.Buckets;
import flora.schemas.dataset.Buckets.Placed;
import flora.schemas.dataset.Showings;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.ValidationPlan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * What one epoch shows, and which pictures are held out of training; a pure function of the dataset
 * version, the plan and the seed.
 *
 * <p>Pictures in a folder {@code N_name} are shown N times, as kohya's sd-scripts count it, N below
 * 1000: longer numbers are dates and the like.
 */
public final class SampleList {

  private final List<Sample> training;
  private final List<Integer> validation;
  private final List<Placed> places;

  private SampleList(List<Sample> training, List<Integer> validation, List<Placed> places) {
    this.training = List.copyOf(training);
    this.validation = List.copyOf(validation);
    this.places = List.copyOf(places);
  }

  /**
   * One showing within an epoch.
   *
   * @param picture index in the dataset
   * @param bucket what it is cut to
   */
  public record Sample(int picture, Bucket bucket) {}

  /**
   * Places every picture and holds some of them out.
   *
   * @param seed of the run; the plan may name one of its own for what is held out
   * @throws DataException when a picture is too small for any bucket, or none is left to train on
   */
  public static SampleList of(
      PictureSet pictures, PicturePlan cut, ValidationPlan judged, long seed) {
    var buckets = cut.buckets();
    var places = new ArrayList<Placed>(pictures.size());
    for (int picture = 0; picture < pictures.size(); picture++) {
      places.add(place(pictures, buckets, picture, cut.bucketResoSteps()));
    }
    var own = judged.validationSeed();
    var validation =
        Showings.heldOut(
            pictures.size(),
            pictures::sha256,
            pictures::fileName,
            judged.validationSplit(),
            own == null ? seed : own);
    var training = new ArrayList<Sample>();
    var out = new HashSet<>(validation);
    for (int picture = 0; picture < pictures.size(); picture++) {
      int times = cut.repeats() * Showings.repeats(pictures.fileName(picture));
      for (int i = 0; i < times && !out.contains(picture); i++) {
        training.add(new Sample(picture, places.get(picture).bucket()));
      }
    }
    if (training.isEmpty()) {
      throw new DataException.NothingToTrainOn(pictures.dataset(), validation.size());
    }
    return new SampleList(training, validation, places);
  }

  /** What one epoch shows, in the dataset's order. */
  public List<Sample> training() {
    return training;
  }

  /** The pictures that are held out; none is trained on. */
  public List<Integer> validation() {
    return validation;
  }

  /** How a picture is resized, and what is cut out of it. */
  public Placed place(int picture) {
    return places.get(picture);
  }

  /** The sizes that pictures are cut to, each once, narrow ones first. */
  public List<Bucket> buckets() {
    return places.stream().map(Placed::bucket).distinct().sorted().toList();
  }

  private static Placed place(PictureSet pictures, Buckets buckets, int picture, int step) {
    var size = pictures.size(picture);
    return buckets
        .place(size.width(), size.height())
        .orElseThrow(
            () ->
                new DataException.TooSmall(
                    pictures.fileName(picture), size.width(), size.height(), step));
  }
}
