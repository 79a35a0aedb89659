package flora.hub.mirror;

import flora.hub.HubClient;
import flora.hub.HubNetwork;
import flora.hub.HubSettings;
import flora.hub.RetryPolicy;
import flora.hub.Site;
import flora.schemas.RepoId;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The hub and all mirrors with their health: from the configuration, from the store, and those that
 * everybody knows. A mirror that is changed begins anew. Thread-safe.
 */
final class MirrorBook {

  /** Mirrors are asked beside others: two attempts are enough. */
  private static final RetryPolicy OF_MIRRORS =
      new RetryPolicy(2, Duration.ofMillis(300), Duration.ofSeconds(30));

  private final MirrorProperties properties;
  private final HubNetwork network;
  private final Secrets secrets;
  private final Shelf shelf;
  private final Clock clock;
  private final Place origin;
  private final boolean official;
  private Map<String, Place> mirrors = new LinkedHashMap<>();

  MirrorBook(
      MirrorProperties properties,
      HubSettings settings,
      RetryPolicy policy,
      HubNetwork network,
      Secrets secrets,
      Shelf shelf,
      Clock clock) {
    this.properties = properties;
    this.network = network;
    this.secrets = secrets;
    this.shelf = shelf;
    this.clock = clock;
    var site = Site.origin(settings);
    if (properties.mirrors().stream().anyMatch(mirror -> mirror.name().equals(site.name()))) {
      throw new IllegalArgumentException(
          "hub.mirrors has one named %s: that is the hub itself, expected another name"
              .formatted(site.name()));
    }
    this.official = Site.OFFICIAL.getHost().equals(settings.endpoint().getHost());
    this.origin =
        new Place(
            asMirror(site),
            MirrorStatus.Made.ORIGIN,
            new HubClient(site, network, policy),
            Health.ofOrigin(clock, site.name()));
  }

  private static Mirror asMirror(Site site) {
    return new Mirror(
        "hub",
        Site.Kind.HUGGINGFACE,
        withoutUser(site.endpoint()),
        null,
        null,
        Map.of(),
        null,
        Map.of(),
        Map.of(),
        0,
        true,
        16,
        List.of());
  }

  private static URI withoutUser(URI endpoint) {
    var port = endpoint.getPort() < 0 ? "" : ":" + endpoint.getPort();
    var path = endpoint.getRawPath() == null ? "" : endpoint.getRawPath();
    return URI.create(endpoint.getScheme() + "://" + endpoint.getHost() + port + path);
  }

  Place origin() {
    return origin;
  }

  /** All mirrors, also those that are switched off. */
  synchronized List<Place> mirrors() {
    var wanted = new LinkedHashMap<String, Place>();
    properties.mirrors().forEach(m -> place(wanted, m, MirrorStatus.Made.CONFIGURATION));
    shelf.mirrors().forEach(m -> place(wanted, m, MirrorStatus.Made.API));
    if (properties.wellKnownMirrors() && official) {
      WellKnownMirrors.all().forEach(m -> place(wanted, m, MirrorStatus.Made.WELL_KNOWN));
    }
    mirrors = wanted;
    return List.copyOf(wanted.values());
  }

  /** The first of a name counts: a configured one over one from the store over a well-known one. */
  private void place(Map<String, Place> wanted, Mirror mirror, MirrorStatus.Made made) {
    if (wanted.containsKey(mirror.name())) {
      return;
    }
    var before = mirrors.get(mirror.name());
    if (before != null && before.mirror().equals(mirror) && before.made() == made) {
      wanted.put(mirror.name(), before);
      return;
    }
    var host = String.valueOf(mirror.endpoint().getHost());
    wanted.put(
        mirror.name(),
        new Place(
            mirror,
            made,
            new HubClient(site(mirror), network, OF_MIRRORS),
            Health.ofMirror(clock, host)));
  }

  private Site site(Mirror mirror) {
    var endpoint = mirror.endpoint();
    int port =
        endpoint.getPort() >= 0
            ? endpoint.getPort()
            : "https".equals(endpoint.getScheme()) ? 443 : 80;
    return new Site(
        mirror.name(),
        mirror.kind(),
        endpoint,
        mirror.api(),
        mirror.files(),
        secrets.headers(mirror),
        secrets.token(mirror),
        Set.of(endpoint.getHost() + ":" + port),
        origin.mirror().endpoint(),
        mirror.owners(),
        mirror.revisions());
  }

  /**
   * Who is asked for a repository.
   *
   * @param useMirror {@code true}: the hub and all mirrors; {@code false}: the hub alone; otherwise
   *     the name of the only one
   * @throws MirrorException.Unknown for a name that nobody has
   * @throws MirrorException.NotServing for a mirror that is off or not for this repository
   */
  List<Place> forRepository(RepoId repo, String useMirror) {
    if (useMirror.equals("false") || useMirror.equals("origin") || useMirror.equals("hub")) {
      return List.of(origin);
    }
    var all = mirrors();
    if (!useMirror.equals("true")) {
      return List.of(named(all, repo, useMirror));
    }
    var places = new ArrayList<Place>();
    places.add(origin);
    for (var place : all) {
      if (place.mirror().enabled() && place.mirror().serves(repo.value())) {
        places.add(place);
      }
    }
    return places;
  }

  private Place named(List<Place> all, RepoId repo, String name) {
    var place = find(all, name);
    if (!place.mirror().enabled()) {
      throw new MirrorException.NotServing(name, repo, "it is switched off");
    }
    if (!place.mirror().serves(repo.value())) {
      throw new MirrorException.NotServing(
          name, repo, "it serves " + String.join(", ", place.mirror().repos()));
    }
    return place;
  }

  /** The hub or a mirror by its name. */
  Place find(String name) {
    return name.equals("origin") || name.equals("hub") || name.equals(origin.name())
        ? origin
        : find(mirrors(), name);
  }

  private static Place find(List<Place> all, String name) {
    return all.stream()
        .filter(place -> place.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new MirrorException.Unknown(name, all.stream().map(Place::name).toList()));
  }

  /** How a place does. */
  MirrorStatus status(Place place) {
    var health = place.health();
    var p95 = health.latencyMillis(0.95);
    var lag = health.lagSeconds();
    var worse =
        health.pages().state() == MirrorStatus.Circuit.CLOSED ? health.files() : health.pages();
    long rate = health.bytesPerSecond();
    return new MirrorStatus(
        place.mirror().shown(),
        place.made(),
        worse.state(),
        worse.cause(),
        boxed(health.latencyMillis(0.5)),
        boxed(p95),
        rate == 0 ? null : rate,
        boxed(lag),
        p95.isPresent() && p95.getAsLong() > properties.maxP95Ms(),
        lag.isPresent() && lag.getAsLong() > properties.maxSyncLagS(),
        health.lostHost());
  }

  private static @Nullable Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
