package flora.fetcher.download;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Sees what the sources of a large file are worth before their bytes go into it. All of them show
 * the same small range; who shows what most do, or else what the place does whose list counts, may
 * give the rest. That costs a moment of those that are new, where a lie that is found when the
 * whole is hashed costs to read all of it again.
 *
 * <p>It only keeps sources away while there are better ones: whoever gives wrong bytes elsewhere is
 * found by an {@link Inquiry}, and nobody is blamed before the whole has proved to be right.
 * Thread-safe.
 */
final class Trial {

  /** Of a part that is none of the file's own. */
  static final int NUMBER = 0;

  static final int SIZE = 1 << 20;

  /** A file of fewer parts is sooner fetched once more than its sources are tried. */
  static final int FEWEST_PARTS = 8;

  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private record Shown(long crc32c, long at) {}

  private final FileTask task;
  private final long offset;
  private final String lister;
  private final Set<String> proven;
  private final Map<String, Part> samples = new HashMap<>();
  private final Map<String, Shown> shown = new HashMap<>();
  private final Set<String> exempt = new HashSet<>();

  /**
   * @param offset of the range that is shown
   * @param lister the place whose list counts
   * @param proven sources that need not show anything
   */
  Trial(FileTask task, long offset, String lister, Set<String> proven) {
    this.task = task;
    this.offset = offset;
    this.lister = lister;
    this.proven = proven;
  }

  /** What a source has to show; null for nothing, now or at all. */
  synchronized @Nullable Slice next(String source) {
    var names = task.sourceNames();
    return names.size() < 2 || proven.containsAll(names) || exempt.contains(source)
        ? null
        : samples.computeIfAbsent(source, _ -> sample()).next(SIZE);
  }

  private Part sample() {
    var part = new Part(task, NUMBER, offset, SIZE);
    part.begin(new byte[SIZE]);
    return part;
  }

  /**
   * A source has shown its range.
   *
   * @return the checksum of it
   */
  synchronized long came(String source, Part part) {
    var crc = new CRC32C();
    crc.update(part.bytes());
    part.end();
    shown.put(source, new Shown(crc.getValue(), System.nanoTime()));
    return crc.getValue();
  }

  /** It cannot be asked for a range; what it gives is seen when it is there. */
  synchronized void exempt(String source) {
    exempt.add(source);
  }

  /** Whether a source may give something of the file now. */
  synchronized boolean admits(String source, long now) {
    return passes(source, now)
        || task.sourceNames().stream()
            .filter(other -> task.askable(other, now) != null)
            .noneMatch(other -> !other.equals(source) && passes(other, now));
  }

  /** Who has shown something else than what is taken for right. */
  synchronized Set<String> failed() {
    var right = right(System.nanoTime());
    return shown.entrySet().stream()
        .filter(one -> right != null && right != one.getValue().crc32c)
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  private boolean passes(String source, long now) {
    var own = shown.get(source);
    if (own == null) {
      return proven.contains(source)
          || exempt.contains(source)
          || source.equals(reference(now).orElse(source));
    }
    var right = right(now);
    return right == null ? now - own.at > PATIENCE.toNanos() : right == own.crc32c;
  }

  /** Checksum of what is taken for right; null while there is nothing to go by. */
  private @Nullable Long right(long now) {
    var votes =
        shown.values().stream()
            .collect(Collectors.groupingBy(Shown::crc32c, Collectors.counting()))
            .entrySet()
            .stream()
            .sorted(Map.Entry.<Long, Long>comparingByValue().reversed())
            .toList();
    boolean isMajority =
        !votes.isEmpty()
            && votes.getFirst().getValue() > 1
            && (votes.size() == 1 || votes.get(1).getValue() < votes.getFirst().getValue());
    if (isMajority) {
      return votes.getFirst().getKey();
    }
    return reference(now).map(shown::get).map(Shown::crc32c).orElse(null);
  }

  /** Who may begin at once: the place whose list counts, or who comes next while it is silent. */
  private Optional<String> reference(long now) {
    return task.sourceNames().stream()
        .filter(name -> shown.containsKey(name) || task.askable(name, now) != null)
        .min(Comparator.comparing(name -> !lister.equals(name)));
  }
}
