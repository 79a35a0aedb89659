package flora.schemas.dataset;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * A line of {@code metadata.csv} or {@code metadata.jsonl}: a picture and its caption.
 *
 * @param fileName the picture, relative to the table
 * @param text its caption; empty where the table has none
 * @param label its class, where the table has classes
 */
public record CaptionRow(
    String fileName,
    String text,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String label) {

  /** A row of a table without classes. */
  public CaptionRow(String fileName, String text) {
    this(fileName, text, null);
  }
}
