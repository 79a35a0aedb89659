package flora.fetcher.download;

import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.DownloadPlan;
import flora.hub.plan.PlannedDownload;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoRole;
import flora.schemas.store.ObjectRef;
import flora.store.ObjectStore;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One fetching instance: hub and mirrors, engine and archive, as a service puts them together. */
final class Instance implements AutoCloseable {

  /** A hub or mirror: what it speaks and where. */
  record Source(Site.Kind kind, URI endpoint) {

    static Source hub(URI endpoint) {
      return new Source(Site.Kind.HUGGINGFACE, endpoint);
    }

    /** The form that {@link #toString} has. */
    static Source parse(String text) {
      int equals = text.indexOf('=');
      return new Source(
          Site.Kind.valueOf(text.substring(0, equals).toUpperCase(Locale.ROOT)),
          URI.create(text.substring(equals + 1)));
    }

    @Override
    public String toString() {
      return kind.name().toLowerCase(Locale.ROOT) + "=" + endpoint;
    }

    private Mirror mirror(int number) {
      return new Mirror(
          "mirror-" + number,
          kind,
          endpoint,
          null,
          kind == Site.Kind.FILES ? endpoint + "/hugging-face/models/{id}/{path}" : null,
          Map.of(),
          null,
          Map.of(),
          Map.of(),
          100 + number,
          true,
          4,
          List.of());
    }
  }

  private static final RetryPolicy PATIENCE =
      new RetryPolicy(6, Duration.ofMillis(20), Duration.ofSeconds(2));

  private final ObjectStore store;
  private final Mirrors mirrors;
  private final Downloader downloader;

  /**
   * @param silence after which a download of somebody who is not heard is taken over
   * @param sources the hub, then its mirrors
   */
  Instance(ObjectStore store, Duration silence, List<Source> sources) {
    this.store = store;
    var clock = Clock.systemUTC();
    var copies = new ArrayList<Mirror>();
    for (int i = 1; i < sources.size(); i++) {
      copies.add(sources.get(i).mirror(i));
    }
    mirrors =
        new Mirrors(
            MirrorProperties.of(copies.toArray(Mirror[]::new)),
            HubSettings.of(sources.getFirst().endpoint()),
            name -> null,
            store,
            clock,
            PATIENCE);
    downloader = new Downloader(store, settings(silence), clock);
  }

  static DownloadSettings settings(Duration silence) {
    return new DownloadSettings(
        4,
        64L << 20,
        Duration.ofSeconds(2),
        Duration.ofSeconds(1),
        16 << 10,
        Duration.ofMillis(200),
        silence,
        Duration.ofDays(7),
        PATIENCE);
  }

  /** Fetches all files of a model's main branch and publishes its manifest. */
  ObjectRef fetch(String repo, Downloader.Watcher watcher) throws InterruptedException {
    var copies = mirrors.locate(RepoType.MODEL, new RepoId(repo), "main", "true");
    var listing = copies.listing();
    var plan =
        new DownloadPlan(RepoRole.BASE_MODEL, listing, listing.files(), List.of(), List.of());
    var files = downloader.run(List.of(new PlannedDownload(plan, copies)), watcher).getFirst();
    return new Archive(store).publish(listing, files);
  }

  ObjectRef fetch(String repo) throws InterruptedException {
    return fetch(repo, new Silent());
  }

  /** Its way to the hub and its mirrors, to be closed again once nobody is under way any more. */
  Mirrors mirrors() {
    return mirrors;
  }

  @Override
  public void close() {
    mirrors.close();
  }

  /** Says nothing. */
  static class Silent implements Downloader.Watcher {
    @Override
    public void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew) {}

    @Override
    public void tick(Progress progress) {}
  }
}
