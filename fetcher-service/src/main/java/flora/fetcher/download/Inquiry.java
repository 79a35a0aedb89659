package flora.fetcher.download;

import flora.fetcher.download.UploadState.StoredPart;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Finds out who gave wrong bytes when a file as a whole is wrong. It moves no bytes itself: it says
 * which parts to fetch once more and from whom not, and is shown what lies there then. Parts are
 * compared by their checksums only; what is true the digest of the whole file tells.
 *
 * <p>While several sources have a hand in the file, one after the other is a suspect whose parts
 * the others give again. Whoever gave all of a wrong file alone is proven to be wrong. For one
 * thread.
 */
final class Inquiry {

  /**
   * Parts to fetch once more.
   *
   * @param parts numbers of those that are not to stay
   * @param avoided who is not to give them
   */
  record Refetch(Set<Integer> parts, Set<String> avoided) {

    /** Only what is missing, from anybody. */
    static final Refetch NOTHING = new Refetch(Set.of(), Set.of());

    Refetch {
      parts = Set.copyOf(parts);
      avoided = Set.copyOf(avoided);
    }
  }

  private record Version(long crc32c, Set<String> sources) {
    Version {
      sources = Set.copyOf(sources);
    }
  }

  /** Everything that was ever given of each part. */
  private final Map<Integer, Set<Version>> versions = new HashMap<>();

  private Map<Integer, Long> shown = Map.of();
  private final Set<String> doubted = new HashSet<>();
  private final Set<String> suspected = new HashSet<>();
  private final Set<String> wrongAlone = new TreeSet<>();
  private final Set<String> lacking = new HashSet<>();
  private boolean isOnceMore;
  private final String lister;

  /**
   * @param lister the place whose list counts: the last to be suspected
   */
  Inquiry(String lister) {
    this.lister = lister;
  }

  /** Whether these are other bytes than those that were shown last. */
  boolean isNews(List<StoredPart> parts) {
    return !checksums(parts).equals(shown);
  }

  private static Map<Integer, Long> checksums(List<StoredPart> parts) {
    return parts.stream().collect(Collectors.toMap(StoredPart::number, StoredPart::crc32c));
  }

  /** These have shown something else than what was taken; they are the first to be suspected. */
  void doubt(Set<String> sources) {
    doubted.addAll(sources);
  }

  /**
   * The whole is wrong.
   *
   * @param parts all parts of it
   * @param sources who can be asked
   * @return nothing when there is nobody left to ask
   */
  Optional<Refetch> next(List<StoredPart> parts, Collection<String> sources) {
    show(parts);
    var able = new TreeSet<>(sources);
    able.removeAll(lacking);
    var unknown = numbers(parts.stream().filter(part -> part.sources().isEmpty()).toList());
    if (!unknown.isEmpty()) {
      return refetch(unknown, able, Set.of());
    }
    var givers = givers(parts);
    return givers.size() == 1 ? withoutAll(parts, givers, able) : challenge(parts, givers, able);
  }

  /** Parts could not be fetched: those who were to give the parts cannot. */
  Optional<Refetch> failed(Refetch step, Collection<String> sources) {
    sources.stream().filter(name -> !step.avoided().contains(name)).forEach(lacking::add);
    var able = new TreeSet<>(sources);
    able.removeAll(lacking);
    return refetch(Set.of(), able, wrongAlone);
  }

  private void show(List<StoredPart> parts) {
    shown = checksums(parts);
    for (var part : parts) {
      if (!part.sources().isEmpty()) {
        versions
            .computeIfAbsent(part.number(), _ -> new HashSet<>())
            .add(new Version(part.crc32c(), Set.copyOf(part.sources())));
      }
    }
  }

  /** All of it came from one source, which is wrong therefore: what nobody else confirms goes. */
  private Optional<Refetch> withoutAll(
      List<StoredPart> parts, Set<String> givers, Set<String> able) {
    boolean isFirst = wrongAlone.addAll(givers) && wrongAlone.size() == 1;
    if (wrongAlone.containsAll(able)) {
      if (!isFirst || isOnceMore || able.isEmpty()) {
        return Optional.empty();
      }
      isOnceMore = true;
      return Optional.of(new Refetch(numbers(parts), Set.of()));
    }
    var doubtful = numbers(parts.stream().filter(part -> !isConfirmed(part)).toList());
    return refetch(doubtful.isEmpty() ? numbers(parts) : doubtful, able, wrongAlone);
  }

  private Optional<Refetch> challenge(
      List<StoredPart> parts, Set<String> givers, Set<String> able) {
    var found = suspect(parts, givers, able);
    if (found.isEmpty()) {
      return alone(parts, able);
    }
    var suspect = found.get();
    suspected.add(suspect);
    var theirs = parts.stream().filter(part -> part.sources().contains(suspect)).toList();
    return refetch(numbers(theirs), able, Set.of(suspect));
  }

  /**
   * Who is doubted; else who contradicts the others most often; else a copy of the place whose list
   * counts rather than that place, and who gave least, which costs least to check.
   */
  private Optional<String> suspect(List<StoredPart> parts, Set<String> givers, Set<String> able) {
    var given = new HashMap<String, Long>();
    parts.forEach(p -> p.sources().forEach(name -> given.merge(name, p.size(), Long::sum)));
    return givers.stream()
        .filter(name -> !suspected.contains(name))
        .filter(name -> able.stream().anyMatch(other -> !other.equals(name)))
        .min(
            Comparator.comparing((String name) -> !doubted.contains(name))
                .thenComparing(name -> -contradictions(name))
                .thenComparing(lister::equals)
                .thenComparing(name -> given.getOrDefault(name, 0L))
                .thenComparing(name -> name));
  }

  private long contradictions(String name) {
    return versions.values().stream()
        .filter(all -> all.stream().map(Version::crc32c).distinct().count() > 1)
        .filter(all -> all.stream().anyMatch(v -> v.sources().contains(name)))
        .count();
  }

  /** Mixed in every way it was wrong: there is more than one liar. */
  private Optional<Refetch> alone(List<StoredPart> parts, Set<String> able) {
    var next = able.stream().filter(name -> !wrongAlone.contains(name)).findFirst();
    if (next.isEmpty()) {
      return Optional.empty();
    }
    var others = new TreeSet<>(givers(parts));
    others.addAll(able);
    others.remove(next.get());
    return Optional.of(new Refetch(numbers(parts), others));
  }

  private Optional<Refetch> refetch(Set<Integer> parts, Set<String> able, Set<String> without) {
    var avoided = new HashSet<>(without);
    avoided.addAll(lacking);
    return avoided.containsAll(able) ? Optional.empty() : Optional.of(new Refetch(parts, avoided));
  }

  /** Whether two who have nothing to do with each other gave the same. */
  private boolean isConfirmed(StoredPart part) {
    var same =
        versions.getOrDefault(part.number(), Set.of()).stream()
            .filter(version -> version.crc32c() == part.crc32c())
            .toList();
    return same.stream()
        .anyMatch(
            a ->
                same.stream().anyMatch(b -> b.sources().stream().noneMatch(a.sources()::contains)));
  }

  /** Who gave all of a file that was wrong. */
  Set<String> wrongAlone() {
    return Set.copyOf(wrongAlone);
  }

  private static Set<Integer> numbers(List<StoredPart> parts) {
    return parts.stream().map(StoredPart::number).collect(Collectors.toSet());
  }

  private static Set<String> givers(List<StoredPart> parts) {
    return parts.stream()
        .flatMap(part -> part.sources().stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
