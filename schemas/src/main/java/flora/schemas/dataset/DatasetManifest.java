package flora.schemas.dataset;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.schemas.Sha256;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One immutable version of a dataset: its pictures by digest and where each caption came from.
 * Holds no clock and no run, so that the same pictures with the same captions are the same version.
 *
 * @param dataset its name
 * @param images the pictures with a caption, in file-name order
 * @param rejected the pictures left out
 * @param labelModel {@code repo@commit} that made captions; null when none was made
 */
public record DatasetManifest(
    String dataset, List<Image> images, List<Rejected> rejected, @Nullable String labelModel) {

  public DatasetManifest {
    images = List.copyOf(images);
    rejected = List.copyOf(rejected);
  }

  /**
   * A picture.
   *
   * @param fileName its original name
   * @param sha256 digest, and through it the blob's key
   * @param size bytes
   * @param width pixels
   * @param height pixels
   * @param text its caption
   * @param captionSource {@code user}, {@code edit}, or the labeler's name
   * @param label its class; null where the dataset has none, and then it is not written, so that
   *     such a dataset has the digest that it always had
   */
  public record Image(
      String fileName,
      Sha256 sha256,
      long size,
      int width,
      int height,
      String text,
      String captionSource,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String label) {

    /** A picture of a dataset without classes. */
    public Image(
        String fileName,
        Sha256 sha256,
        long size,
        int width,
        int height,
        String text,
        String captionSource) {
      this(fileName, sha256, size, width, height, text, captionSource, null);
    }
  }

  /**
   * A picture that cannot be used.
   *
   * @param fileName its original name
   * @param reason why, for people
   */
  public record Rejected(String fileName, String reason) {}
}
