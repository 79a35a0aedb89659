package flora.hub.archive;

import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.ObjectStore;
import flora.store.Stored;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Takes blobs away without taking them from anybody who has just found them.
 *
 * <p>A fetch first says what it wants and then looks which markers are there. Here it is the other
 * way round: first the markers go, then it is asked what is wanted. So either the fetch saw no
 * marker and brings the blob itself, or its wish is seen here and the marker comes back. A fetch
 * that begins meanwhile waits ({@link Archive#awaitRemovals}): nobody brings a blob that is about
 * to go.
 */
public final class BlobRemoval {

  private static final Duration CLAIM = Duration.ofMinutes(1);
  private static final String JSON = "application/json";

  private final ObjectStore store;
  private final Clock clock;
  private final String owner;

  /**
   * @param owner a name for the claim
   */
  public BlobRemoval(ObjectStore store, Clock clock, String owner) {
    this.store = store;
    this.clock = clock;
    this.owner = owner;
  }

  /**
   * Removes some blobs; none while somebody else removes some.
   *
   * @param wanted asked once the markers are gone: which of these must stay after all
   * @return those that are gone
   */
  public List<Blob> remove(Collection<Blob> blobs, Supplier<Set<Blob.Id>> wanted) {
    var claim =
        Claim.take(store, clock, StoreLayout.MODELS, StoreLayout.removing(), owner, CLAIM)
            .orElse(null);
    if (claim == null) {
      return List.of();
    }
    try {
      var markers = new LinkedHashMap<Blob, Optional<Stored>>();
      for (var blob : blobs) {
        if (isHeld(claim)) {
          markers.put(blob, unmark(blob));
        }
      }
      return removeBut(wanted.get(), markers, claim);
    } finally {
      claim.release();
    }
  }

  private static boolean isHeld(Claim claim) {
    return claim.isFresh() || claim.renew();
  }

  private Optional<Stored> unmark(Blob blob) {
    var key = StoreLayout.verified(blob.digest());
    var marker = store.read(blob.bucket(), key);
    store.delete(blob.bucket(), key);
    return marker;
  }

  private List<Blob> removeBut(
      Set<Blob.Id> wanted, Map<Blob, Optional<Stored>> markers, Claim claim) {
    var gone = new ArrayList<Blob>();
    markers.forEach(
        (blob, marker) -> {
          // a claim that was lost protects nobody: the blob stays without a marker
          if (wanted.contains(blob.id()) || isWrittenAnew(blob)) {
            var key = StoreLayout.verified(blob.digest());
            marker.ifPresent(m -> store.putIfAbsent(blob.bucket(), key, m.bytes(), JSON));
          } else if (isHeld(claim)) {
            store.delete(blob.bucket(), StoreLayout.blob(blob.digest()));
            gone.add(blob);
          }
        });
    return gone;
  }

  /** Since somebody decided that it may go; stores tell time by the second. */
  private boolean isWrittenAnew(Blob blob) {
    return store
        .head(blob.bucket(), StoreLayout.blob(blob.digest()))
        .map(there -> there.lastModified().truncatedTo(ChronoUnit.SECONDS))
        .filter(time -> time.isAfter(blob.modified().truncatedTo(ChronoUnit.SECONDS)))
        .isPresent();
  }
}
