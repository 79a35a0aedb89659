package flora.schemas.label;

import flora.schemas.Sha256;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A line of {@code labels.jsonl}: a picture, its caption, and everything that the next version
 * needs to keep it without looking at the picture again. Holds no clock and no run.
 *
 * @param fileName the picture's original name
 * @param sha256 digest of its bytes
 * @param size bytes
 * @param width pixels, as it is shown
 * @param height pixels, as it is shown
 * @param frames how many pictures the file holds; the first is used
 * @param text the caption
 * @param source where the caption is from: {@code user} (it came with the pictures), {@code edit}
 *     (a person wrote it afterwards), {@code clip}, {@code blip}, {@code blip+clip}, {@code
 *     trigger_word} or {@code folder}
 * @param label its class, where the dataset is one of classes
 * @param caption what the model said, before the text was assembled
 * @param labels the labels that were chosen, with their probabilities
 * @param model {@code repo@commit} of the label model, where it took part
 * @param captionModel {@code repo@commit} of the caption model, where it took part beside another
 * @param recipe digest of everything that the caption follows from beside the picture; null where a
 *     person or a folder's name said it
 * @param cutTokens tokens that were cut from the end of the caption
 * @param phash 64-bit perceptual hash, 16 hex digits; null where none was computed
 * @param thumb 4×4 RGB thumbnail, 96 hex digits; null where none was computed
 * @param etag of the object that the picture was read from; null for a hub's dataset
 */
public record LabelRow(
    String fileName,
    Sha256 sha256,
    long size,
    int width,
    int height,
    int frames,
    String text,
    String source,
    @Nullable String label,
    @Nullable String caption,
    List<Score> labels,
    @Nullable String model,
    @Nullable String captionModel,
    @Nullable Sha256 recipe,
    int cutTokens,
    @Nullable String phash,
    @Nullable String thumb,
    @Nullable String etag) {

  public LabelRow {
    labels = List.copyOf(labels);
  }

  /** The same of another file of these bytes. */
  public LabelRow of(String otherName, @Nullable String otherEtag) {
    return with(otherName, label, otherEtag);
  }

  /** The same with another class. */
  public LabelRow withLabel(@Nullable String other) {
    return with(fileName, other, etag);
  }

  private LabelRow with(String name, @Nullable String itsLabel, @Nullable String itsEtag) {
    return new LabelRow(
        name,
        sha256,
        size,
        width,
        height,
        frames,
        text,
        source,
        itsLabel,
        caption,
        labels,
        model,
        captionModel,
        recipe,
        cutTokens,
        phash,
        thumb,
        itsEtag);
  }
}
