package flora.labeler.work;

import flora.labeler.image.Picture;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.label.LabelRow;
import org.jspecify.annotations.Nullable;

/**
 * A picture that is to be looked at.
 *
 * @param picture where it lies
 * @param given the caption that it comes with; null = one is to be made
 * @param source where that is from: {@code user} or {@code edit}
 * @param label the class that it comes with
 * @param before what the version before says of a picture that may be the same: it counts when the
 *     bytes are, and when it follows from the same recipe
 */
public record Entry(
    Picture picture,
    @Nullable String given,
    @Nullable String source,
    @Nullable String label,
    @Nullable LabelRow before) {

  /** A picture of which nothing is known. */
  public static Entry of(String fileName, String bucket, String key, long size) {
    return new Entry(new Picture(fileName, bucket, key, size, null, null), null, null, null, null);
  }

  /** The same with the caption that a person has given it before. */
  Entry saying(LabelRow row) {
    return new Entry(picture, row.text(), row.source(), label, before);
  }

  ShardRow left(String reason) {
    return new ShardRow.Left(new Rejected(picture.fileName(), reason));
  }
}
