package flora.labeler.caption;

import java.util.List;

/**
 * A caption that was made.
 *
 * @param text the caption
 * @param labels the labels it holds, in its order
 */
public record Caption(String text, List<Score> labels) {
  public Caption {
    labels = List.copyOf(labels);
  }

  /**
   * A label and how likely it is among those of its kind.
   *
   * @param label the label
   * @param probability softmax over the labels of its kind
   */
  public record Score(String label, double probability) {}
}
