package flora.hub.archive;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.Stored;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The claim to a blob for somebody who has all its bytes at hand, checked. A download that goes on
 * with parts of an earlier one joins them before it has read them. Were that to happen between the
 * join and the marker of the right bytes, or after both, what nobody has checked would count. So
 * the download loses its claim and its upload first: then its join fails, or is over and is written
 * over. A download without a state has hashed whatever it joins, and needs no such care.
 */
final class Takeover {

  private static final String OWNER = "import";
  private static final String JSON = "application/json";

  /** Longer than any store takes to join an object. */
  private static final Duration LASTS = Duration.ofMinutes(2);

  private static final long LOOK_MILLIS = 100;

  /** A download's state, which names no upload: whoever comes after begins from the start. */
  private record State(
      String uploadId,
      long fileSize,
      int partSize,
      long epoch,
      String owner,
      Instant expires,
      List<String> parts) {}

  /** What of a download's state matters here. */
  private record Seen(String uploadId, long epoch, String owner, Instant expires) {}

  private final ObjectStore store;
  private final Clock clock;
  private final String bucket;
  private final Sha256 digest;
  private final String key;

  Takeover(ObjectStore store, Clock clock, String bucket, Sha256 digest) {
    this.store = store;
    this.clock = clock;
    this.bucket = bucket;
    this.digest = digest;
    key = StoreLayout.upload(digest.hex());
  }

  /**
   * Joins and marks; another one who does so is waited for.
   *
   * @throws ObjectStoreException.Unavailable when it took so long that somebody else has come
   *     between: nothing is marked then
   */
  Verified run(Runnable join, Supplier<Verified> mark) throws InterruptedException {
    var etag = seize().orElse(null);
    join.run();
    if (etag == null) {
      return mark.get();
    }
    if (store.putIfMatch(bucket, key, Json.bytes(mine(0)), JSON, etag).isEmpty()) {
      throw new ObjectStoreException.Unavailable("somebody else has taken over " + key, null);
    }
    var verified = mark.get();
    store.delete(bucket, key);
    return verified;
  }

  /** Returns the etag of the claim; empty where there was nobody to take it from. */
  private Optional<String> seize() throws InterruptedException {
    while (true) {
      var there = store.read(bucket, key);
      if (there.isEmpty()) {
        return Optional.empty();
      }
      var seen = parse(there.get());
      if (seen.owner().equals(OWNER) && seen.expires().isAfter(clock.instant())) {
        Thread.sleep(LOOK_MILLIS);
        continue;
      }
      var mine = Json.bytes(mine(seen.epoch()));
      var etag = store.putIfMatch(bucket, key, mine, JSON, there.get().etag());
      if (etag.isPresent()) {
        if (!seen.uploadId().isEmpty()) {
          store.resumeMultipart(bucket, StoreLayout.blob(digest), seen.uploadId()).abort();
        }
        return etag;
      }
    }
  }

  private State mine(long epoch) {
    return new State("", 0, 0, epoch + 1, OWNER, clock.instant().plus(LASTS), List.of());
  }

  /** What is no state names no upload. */
  private static Seen parse(Stored stored) {
    try {
      var tree = Json.read(stored.bytes(), JsonNode.class);
      return new Seen(
          tree.path("upload_id").asString(""),
          tree.path("epoch").asLong(0),
          tree.path("owner").asString(""),
          Instant.parse(tree.path("expires").asString("")));
    } catch (JacksonException | DateTimeException e) {
      return new Seen("", 0, "", Instant.EPOCH);
    }
  }
}
