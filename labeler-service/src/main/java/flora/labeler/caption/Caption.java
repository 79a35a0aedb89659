package flora.labeler.caption;

import flora.schemas.label.Score;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A caption that was made.
 *
 * @param text the caption; blank when nothing is left of it after the request's blacklist
 * @param raw what the caption model said, before anything was put around it or taken out; null
 *     where there is none
 * @param labels the labels that were chosen, in their order
 * @param label the class of the picture; null unless the request asks for classes
 * @param cutTokens how many tokens were cut off to keep the token limit
 */
public record Caption(
    String text, @Nullable String raw, List<Score> labels, @Nullable String label, int cutTokens) {
  public Caption {
    labels = List.copyOf(labels);
  }
}
