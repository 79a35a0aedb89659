package flora.hub.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The paths that are needed of a repository, and what it lacks; filled while it is looked through.
 */
final class Selection {

  /**
   * Something needed that is not there.
   *
   * @param component part of the model it belongs to
   * @param expected what would do
   * @param pickle the file that has it and is not wanted; null when no file has it
   */
  record Gap(String component, String expected, @Nullable String pickle) {}

  private final SortedSet<String> paths = new TreeSet<>();
  private final SortedSet<String> pickles = new TreeSet<>();
  private final List<String> notes = new ArrayList<>();
  private final List<Gap> gaps = new ArrayList<>();

  void add(String path) {
    paths.add(path);
  }

  void addAll(Collection<String> more) {
    paths.addAll(more);
  }

  void lacks(String component, String expected) {
    gaps.add(new Gap(component, expected, null));
  }

  /** Weights that only a pickle has, where none is wanted. */
  void leavesOut(String component, String pickle) {
    gaps.add(new Gap(component, ".safetensors", pickle));
  }

  /** A file that is needed and has to be converted. */
  void addPickle(String path) {
    paths.add(path);
    pickles.add(path);
  }

  void note(String text) {
    notes.add(text);
  }

  boolean isComplete() {
    return gaps.isEmpty();
  }

  SortedSet<String> paths() {
    return paths;
  }

  SortedSet<String> pickles() {
    return pickles;
  }

  List<String> notes() {
    return notes;
  }

  List<Gap> gaps() {
    return gaps;
  }
}
