package flora.hub.archive;

import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.Stored;
import java.time.Clock;
import java.time.Duration;
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
 * way round: first the marker goes, then it is asked what is wanted. So either the fetch saw no
 * marker and brings the blob itself, or its wish is seen here and the marker comes back. The claim
 * that a fetch needs to bring a blob is held meanwhile: nobody brings one that is about to go.
 */
public final class BlobRemoval {

  private static final Duration CLAIM = Duration.ofMinutes(10);
  private static final String JSON = "application/json";

  private final ObjectStore store;
  private final Clock clock;
  private final String owner;

  /**
   * @param owner a name for the claims
   */
  public BlobRemoval(ObjectStore store, Clock clock, String owner) {
    this.store = store;
    this.clock = clock;
    this.owner = owner;
  }

  private record Held(Claim claim, Optional<Stored> marker) {}

  /**
   * Removes some blobs; what others are working on is left.
   *
   * @param wanted asked once the markers are gone: which of these must stay after all
   * @return those that are gone
   */
  public List<Blob> remove(Collection<Blob> blobs, Supplier<Set<Blob.Id>> wanted) {
    var held = new LinkedHashMap<Blob, Held>();
    try {
      for (var blob : blobs) {
        Claim.take(store, clock, blob.bucket(), StoreLayout.upload(blob.digest()), owner, CLAIM)
            .ifPresent(claim -> held.put(blob, new Held(claim, unmark(blob))));
      }
      return held.isEmpty() ? List.of() : removeBut(wanted.get(), held);
    } finally {
      held.values().forEach(one -> one.claim().release());
    }
  }

  private Optional<Stored> unmark(Blob blob) {
    var key = StoreLayout.verified(blob.digest());
    var marker = store.read(blob.bucket(), key);
    store.delete(blob.bucket(), key);
    return marker;
  }

  private List<Blob> removeBut(Set<Blob.Id> wanted, Map<Blob, Held> held) {
    var gone = new ArrayList<Blob>();
    held.forEach(
        (blob, one) -> {
          // a claim that is about to end protects nobody: the blob stays without a marker
          if (wanted.contains(blob.id())) {
            var key = StoreLayout.verified(blob.digest());
            one.marker()
                .ifPresent(marker -> store.putIfAbsent(blob.bucket(), key, marker.bytes(), JSON));
          } else if (one.claim().isFresh()) {
            store.delete(blob.bucket(), StoreLayout.blob(blob.digest()));
            gone.add(blob);
          }
        });
    return gone;
  }
}
