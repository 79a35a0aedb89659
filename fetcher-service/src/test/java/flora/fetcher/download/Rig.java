package flora.fetcher.download;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
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
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent.SourceShare;
import flora.schemas.fetch.RepoRole;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;

/** A hub called 127.0.0.1, its mirrors called m1, m2, …, and a downloader into a store. */
final class Rig implements AutoCloseable {

  static final String HUB = "127.0.0.1";

  /** Patience for tests. */
  static final DownloadSettings SETTINGS =
      new DownloadSettings(
          4,
          64L << 20,
          Duration.ofMillis(700),
          Duration.ofMillis(500),
          16 << 10,
          Duration.ofMillis(200),
          Duration.ofSeconds(2),
          Duration.ofDays(7),
          new RetryPolicy(4, Duration.ofMillis(10), Duration.ofSeconds(2)));

  /** What was told. */
  static final class Told implements Downloader.Watcher {
    final List<String> liars = new CopyOnWriteArrayList<>();
    final List<String> switched = new CopyOnWriteArrayList<>();
    final List<ObjectStoreException.Full> paused = new CopyOnWriteArrayList<>();
    final List<Progress> progress = new CopyOnWriteArrayList<>();
    final List<Verified> verified = new CopyOnWriteArrayList<>();
    volatile int resumed;
    volatile boolean stop;

    /** Bytes that were of use, wrong ones included. */
    long received() {
      return progress.getLast().sources().stream().mapToLong(SourceShare::bytes).sum();
    }

    @Override
    public void verified(RepoListing listing, HubFile file, Verified blob, boolean isNew) {
      verified.add(blob);
    }

    @Override
    public void tick(Progress how) {
      progress.add(how);
      if (stop) {
        throw new IllegalStateException("told to stop");
      }
    }

    @Override
    public void switched(RepoListing listing, HubFile file, String from, String to, String reason) {
      switched.add(from + " " + reason);
    }

    @Override
    public void mismatched(
        RepoListing listing, HubFile file, String source, String expected, String received) {
      liars.add(source);
    }

    @Override
    public void paused(ObjectStoreException.Full why) {
      paused.add(why);
    }

    @Override
    public void resumed() {
      resumed++;
    }
  }

  final ObjectStore store;
  final List<FakeHub> hubs;
  final FakeRepo repo;
  private final List<Mirrors> opened = new ArrayList<>();

  /**
   * @param repo that all of them have
   * @param mirrors how many there are besides the hub
   */
  Rig(ObjectStore store, FakeRepo repo, int mirrors) {
    this.store = store;
    this.repo = repo;
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    hubs = IntStream.rangeClosed(0, mirrors).mapToObj(_ -> FakeHub.start(0).add(repo)).toList();
  }

  /** 0 is the hub itself. */
  FakeHub hub(int number) {
    return hubs.get(number);
  }

  Downloader downloader() {
    return downloader(SETTINGS);
  }

  Downloader downloader(DownloadSettings settings) {
    return new Downloader(store, settings, Clock.systemUTC());
  }

  /** What a service of its own knows of the hub and the mirrors. */
  PlannedDownload plan() throws InterruptedException {
    return plan(repo);
  }

  PlannedDownload plan(FakeRepo wanted) throws InterruptedException {
    var mirrors = new ArrayList<Mirror>();
    for (int i = 1; i < hubs.size(); i++) {
      mirrors.add(
          new Mirror(
              "m" + i,
              Site.Kind.HUGGINGFACE,
              hubs.get(i).endpoint(),
              null,
              null,
              Map.of(),
              null,
              Map.of(),
              Map.of(),
              100,
              true,
              16,
              List.of()));
    }
    var settings =
        new HubSettings(
            hubs.getFirst().endpoint(),
            "",
            Set.of(),
            Duration.ofSeconds(1),
            Duration.ofSeconds(5),
            new HubSettings.Proxies("", "", ""),
            null);
    var known =
        new Mirrors(
            MirrorProperties.of(mirrors.toArray(Mirror[]::new)),
            settings,
            _ -> null,
            store,
            Clock.systemUTC(),
            SETTINGS.policy());
    opened.add(known);
    var copies = known.locate(RepoType.MODEL, new RepoId(wanted.id()), "main", "true");
    for (int i = 0; i < 200 && copies.places().size() < hubs.size(); i++) {
      Thread.sleep(5); // mirrors join when they have answered
    }
    var listing = copies.listing();
    var plan =
        new DownloadPlan(RepoRole.BASE_MODEL, listing, listing.files(), List.of(), List.of());
    return new PlannedDownload(plan, copies);
  }

  /** Fetches all files of the repository. */
  Map<HubFile, Verified> fetch(Told told) throws InterruptedException {
    return downloader().run(List.of(plan()), told).getFirst();
  }

  Sha256 digest(String path) {
    return new Sha256(repo.sha256(path));
  }

  /** Digest of the bytes that lie under a blob's key. */
  Sha256 stored(String path) {
    try (var in = store.open(StoreLayout.MODELS, StoreLayout.blob(digest(path)))) {
      return Sha256.sum(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean isMarked(String path) {
    return new Archive(store).find(StoreLayout.MODELS, digest(path)).isPresent();
  }

  List<String> keys(String prefix) {
    try (var objects = store.list(StoreLayout.MODELS, prefix)) {
      return objects.map(ObjectInfo::key).toList();
    }
  }

  long openUploads() {
    try (var open = store.openUploads(StoreLayout.MODELS, "")) {
      return open.count();
    }
  }

  @Override
  public void close() {
    opened.forEach(Mirrors::close);
    hubs.forEach(FakeHub::close);
  }
}
