package flora.hub;

import java.time.Instant;

/**
 * What the store said of a revision right before a list of it was asked for. Whoever publishes that
 * list much later knows by it whether somebody else has said more since.
 *
 * @param at when it was looked at
 * @param etag of what the store said; empty when it said nothing
 */
public record RefSeen(Instant at, String etag) {

  /** The same moment for a revision at which nobody looked. */
  public RefSeen elsewhere() {
    return new RefSeen(at, "");
  }
}
