package flora.labeler.dataset;

import flora.labeler.caption.Caption.Score;
import flora.schemas.dataset.DatasetManifest.Image;
import java.util.List;

/**
 * A picture of the version that is being made.
 *
 * @param image what the manifest says of it
 * @param scores the labels that its caption was made of; empty when it came with one
 */
public record LabeledPicture(Image image, List<Score> scores) {
  public LabeledPicture {
    scores = List.copyOf(scores);
  }
}
