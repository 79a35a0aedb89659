package flora.hub.archive;

import flora.hub.RepoType;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoManifest;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * A repository as it lies in the store.
 *
 * @param type its kind
 * @param repo its id
 * @param snapshots commits whose manifest is there, by commit
 * @param uses what was last wanted of each commit, by commit; also of commits not there yet
 * @param refs what revisions stand for
 * @param pins revisions that are to stay
 */
public record KeptRepo(
    RepoType type,
    RepoId repo,
    Map<String, Snapshot> snapshots,
    Map<String, Touch> uses,
    List<Ref> refs,
    List<Pin> pins) {

  public KeptRepo {
    snapshots = Map.copyOf(snapshots);
    uses = Map.copyOf(uses);
    refs = List.copyOf(refs);
    pins = List.copyOf(pins);
  }

  /**
   * A commit with its files.
   *
   * @param manifest its files
   * @param written when the manifest was
   */
  public record Snapshot(RepoManifest manifest, Instant written) {}

  /**
   * A moment of use.
   *
   * @param at when
   * @param etag another one after the next use
   */
  public record Touch(Instant at, String etag) {}

  /** Whether a pin holds this commit. */
  public boolean isPinned(String commit) {
    return pins.stream().anyMatch(pin -> holds(pin, commit));
  }

  /** Pinned revisions that no commit in the store stands for, in their order. */
  public List<String> pinsNotFetched() {
    return pins.stream()
        .filter(pin -> snapshots.keySet().stream().noneMatch(commit -> holds(pin, commit)))
        .map(Pin::revision)
        .sorted()
        .toList();
  }

  private boolean holds(Pin pin, String commit) {
    return pin.revision().equals(commit)
        || refs.stream().anyMatch(ref -> ref.says(pin.revision(), commit));
  }

  /** When a commit that is there was last used. */
  public Instant lastUsed(String commit) {
    var touch = uses.get(commit);
    var snapshot = snapshots.get(commit);
    if (snapshot == null) {
      throw new IllegalArgumentException(repo + " at " + commit + " is not here");
    }
    return touch == null ? snapshot.written() : touch.at();
  }
}
