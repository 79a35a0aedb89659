package flora.hub.mirror;

import flora.hub.HubClient;
import java.util.Comparator;

/**
 * The hub or a mirror, ready to be asked.
 *
 * @param mirror as it is configured; for the hub what it would be as a mirror
 * @param made by whom
 * @param client speaks with it
 * @param health how it does
 */
record Place(Mirror mirror, MirrorStatus.Made made, HubClient client, Health health) {

  /** The best first: by measured throughput, then by latency, then by rank. */
  static final Comparator<Place> BEST_FIRST =
      Comparator.comparingLong((Place place) -> -place.health().bytesPerSecond())
          .thenComparingLong(place -> place.health().promptness())
          .thenComparingInt(place -> place.mirror().rank())
          .thenComparing(Place::name);

  String name() {
    return client.name();
  }

  boolean isOrigin() {
    return made == MirrorStatus.Made.ORIGIN;
  }

  boolean hasLists() {
    return client.hasLists();
  }
}
