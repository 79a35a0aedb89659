package flora.hub.archive;

import flora.schemas.fetch.RepoManifest;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the shared list of a commit grows to as runs fetch more of it. */
final class MergedLists {
  private MergedLists() {}

  /** Everything that either of two lists of a commit has. */
  static RepoManifest of(RepoManifest old, RepoManifest own) {
    var byPath =
        new TreeMap<>(
            own.files().stream()
                .collect(Collectors.toMap(RepoManifest.Entry::path, Function.identity())));
    for (var entry : old.files()) {
      var now = byPath.get(entry.path());
      byPath.put(entry.path(), now == null ? entry : better(entry, now));
    }
    return new RepoManifest(own.repo(), own.commit(), List.copyOf(byPath.values()));
  }

  private static RepoManifest.Entry better(RepoManifest.Entry old, RepoManifest.Entry now) {
    // what the repository itself has at a path comes before what was made for it
    if ((old.convertedFrom() == null) != (now.convertedFrom() == null)) {
      return old.convertedFrom() == null ? old : now;
    }
    if (old.sha256().equals(now.sha256())) {
      return old.listedBy(both(old.listedBy(), now.listedBy()));
    }
    // a commit has one file at a path: somebody's list is wrong, and fewer share it
    return old.listedBy().size() > now.listedBy().size() ? old : now;
  }

  private static List<String> both(List<String> some, List<String> others) {
    return Stream.concat(some.stream(), others.stream()).distinct().sorted().toList();
  }
}
