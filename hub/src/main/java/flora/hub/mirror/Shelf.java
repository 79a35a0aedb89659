package flora.hub.mirror;

import flora.schemas.Json;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * Mirrors that were made through the API: one small object each in the store, read by every service
 * again after ten seconds. Thread-safe.
 */
final class Shelf {

  private static final Logger log = LoggerFactory.getLogger(Shelf.class);
  private static final Duration FRESH = Duration.ofSeconds(10);
  private static final String JSON = "application/json";
  private static final int TRIES = 10;

  private final ObjectStore store;
  private final Clock clock;
  private List<Mirror> mirrors = List.of();
  private Instant readAt = Instant.MIN;

  Shelf(ObjectStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  /** What is there, at most ten seconds ago; what was there last while the store is away. */
  synchronized List<Mirror> mirrors() {
    var now = clock.instant();
    if (readAt.isBefore(now.minus(FRESH))) {
      try {
        mirrors = read();
      } catch (ObjectStoreException e) {
        log.warn("mirrors cannot be read: {}", e.getMessage());
      }
      readAt = now;
    }
    return mirrors;
  }

  private List<Mirror> read() {
    var found = new ArrayList<Mirror>();
    try (var keys = store.list(StoreLayout.MODELS, StoreLayout.MIRRORS)) {
      for (var key : (Iterable<String>) keys.map(info -> info.key())::iterator) {
        store
            .read(StoreLayout.MODELS, key)
            .ifPresent(
                stored -> {
                  try {
                    var mirror = Json.read(stored.bytes(), Mirror.class);
                    if (StoreLayout.mirror(mirror.name()).equals(key)) {
                      found.add(mirror);
                    }
                  } catch (JacksonException | IllegalArgumentException e) {
                    log.warn("{} is not a mirror: {}", key, e.getMessage());
                  }
                });
      }
    }
    return List.copyOf(found);
  }

  /** Keeps it, whether it is new or replaces one of that name. */
  synchronized void put(Mirror mirror) {
    var key = StoreLayout.mirror(mirror.name());
    var bytes = Json.bytes(mirror);
    for (int i = 0; i < TRIES; i++) {
      var there = store.read(StoreLayout.MODELS, key);
      var done =
          there.isEmpty()
              ? store.putIfAbsent(StoreLayout.MODELS, key, bytes, JSON)
              : store.putIfMatch(StoreLayout.MODELS, key, bytes, JSON, there.get().etag());
      if (done.isPresent()) {
        readAt = Instant.MIN;
        return;
      }
    }
    throw new MirrorException.Invalid(
        mirror.name() + " is being changed by somebody else", "look at it and try again");
  }

  /** Forgets it. */
  synchronized void remove(String name) {
    store.delete(StoreLayout.MODELS, StoreLayout.mirror(name));
    readAt = Instant.MIN;
  }
}
