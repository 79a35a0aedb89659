package flora.labeler.caption;

import flora.schemas.request.LabelOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The labels to choose from, by kind: labels of one kind exclude each other, those of different
 * kinds do not.
 *
 * @param kinds the kinds, in the order in which a caption names them
 */
public record LabelSet(List<List<String>> kinds) {

  public LabelSet {
    kinds = kinds.stream().map(List::copyOf).toList();
  }

  /** The request's labels by kind, or the built-in ones when it has none. */
  public static LabelSet of(Map<String, List<String>> requested) {
    return requested.isEmpty()
        ? builtIn()
        : new LabelSet(requested.values().stream().map(LabelSet::resolved).toList());
  }

  /** A kind's labels, or the built-in list that its only word stands for. */
  private static List<String> resolved(List<String> labels) {
    boolean named = labels.size() == 1 && LabelOptions.BUILT_IN.contains(labels.getFirst());
    return named ? lines(labels.getFirst()) : labels;
  }

  /** Subjects, styles and mediums that people train adapters on. */
  static LabelSet builtIn() {
    return new LabelSet(List.of(lines("subjects"), lines("styles"), lines("mediums")));
  }

  /** All labels, kind after kind. */
  List<String> all() {
    return kinds.stream().flatMap(List::stream).toList();
  }

  private static List<String> lines(String kind) {
    try (var in =
        Objects.requireNonNull(
            LabelSet.class.getResourceAsStream("/labels/" + kind + ".txt"), kind)) {
      var text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Stream.of(text.split("\n")).map(String::strip).filter(s -> !s.isEmpty()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
