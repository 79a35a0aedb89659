package flora.store;

import flora.schemas.Json;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The right to do something alone for a while: an object that is written only where there is none,
 * or over one that has expired. Whoever works longer than it lasts has to renew it first.
 */
public final class Claim {

  private static final String JSON = "application/json";

  /** What stands in the object; more may stand in those of others. */
  private record State(String owner, long epoch, Instant expires) {}

  private final ObjectStore store;
  private final Clock clock;
  private final String bucket;
  private final String key;
  private final Duration validFor;
  private State state;
  private String etag;

  private Claim(
      ObjectStore store,
      Clock clock,
      String bucket,
      String key,
      Duration validFor,
      State state,
      String etag) {
    this.store = store;
    this.clock = clock;
    this.bucket = bucket;
    this.key = key;
    this.validFor = validFor;
    this.state = state;
    this.etag = etag;
  }

  /** Takes it, unless somebody else has it. */
  public static Optional<Claim> take(
      ObjectStore store, Clock clock, String bucket, String key, String owner, Duration validFor) {
    var there = store.read(bucket, key);
    var expires = clock.instant().plus(validFor);
    if (there.isEmpty()) {
      var state = new State(owner, 1, expires);
      return store
          .putIfAbsent(bucket, key, Json.bytes(state), JSON)
          .map(etag -> new Claim(store, clock, bucket, key, validFor, state, etag));
    }
    var old = parse(there.get());
    if (old.expires().isAfter(clock.instant())) {
      return Optional.empty();
    }
    var state = new State(owner, old.epoch() + 1, expires);
    return store
        .putIfMatch(bucket, key, Json.bytes(state), JSON, there.get().etag())
        .map(etag -> new Claim(store, clock, bucket, key, validFor, state, etag));
  }

  /** Whether somebody has it. */
  public static boolean isTaken(ObjectStore store, Clock clock, String bucket, String key) {
    return store
        .read(bucket, key)
        .filter(there -> parse(there).expires().isAfter(clock.instant()))
        .isPresent();
  }

  /** Whether at least half of its time is left. */
  public boolean isFresh() {
    return clock.instant().plus(validFor.dividedBy(2)).isBefore(state.expires());
  }

  /** Makes it last from now on; false when it was lost to somebody else. */
  public boolean renew() {
    var longer = new State(state.owner(), state.epoch(), clock.instant().plus(validFor));
    var won = store.putIfMatch(bucket, key, Json.bytes(longer), JSON, etag);
    won.ifPresent(
        newer -> {
          state = longer;
          etag = newer;
        });
    return won.isPresent();
  }

  /** Gives it back. One that may be somebody else's by now is left alone. */
  public void release() {
    if (clock.instant().isBefore(state.expires())) {
      store.delete(bucket, key);
    }
  }

  /** What is no claim has expired. */
  private static State parse(Stored stored) {
    try {
      var tree = Json.read(stored.bytes(), JsonNode.class);
      return new State(
          tree.path("owner").asString(""),
          tree.path("epoch").asLong(0),
          Instant.parse(tree.path("expires").asString("")));
    } catch (JacksonException | java.time.DateTimeException e) {
      return new State("", 0, Instant.EPOCH);
    }
  }
}
