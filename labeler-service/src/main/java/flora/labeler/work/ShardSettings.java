package flora.labeler.work;

import flora.labeler.caption.LabelRecipe;
import flora.schemas.request.LabelOptions.Target;
import org.jspecify.annotations.Nullable;

/**
 * How pictures are worked on.
 *
 * @param batchSize pictures that are captioned at once
 * @param decodeThreads threads that decode
 * @param triggerWord stands alone as the caption where there is neither a caption nor a captioner
 * @param target what is made of a picture
 * @param recipe what made captions follow from; null = nobody is going to compare
 * @param lookOnly whether a picture without a caption is fine as it is
 * @param rejectAnimated whether a file of several pictures is left out
 */
public record ShardSettings(
    int batchSize,
    int decodeThreads,
    @Nullable String triggerWord,
    Target target,
    @Nullable LabelRecipe recipe,
    boolean lookOnly,
    boolean rejectAnimated) {

  /** Captions that a captioner makes, and nothing else. */
  public static ShardSettings of(int batchSize, int decodeThreads) {
    return new ShardSettings(batchSize, decodeThreads, null, Target.CAPTION, null, false, false);
  }
}
