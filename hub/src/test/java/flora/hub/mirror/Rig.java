package flora.hub.mirror;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Shape;
import flora.hub.FileSource;
import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.threeten.extra.MutableClock;

/** A hub, a mirror of it behind a prefix, and one repository that both have. */
final class Rig implements AutoCloseable {

  static final RepoId TINY = new RepoId("flora/tiny");
  static final String WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
  static final String INDEX = "model_index.json";

  private static final RetryPolicy QUICK =
      new RetryPolicy(2, Duration.ofMillis(1), Duration.ofSeconds(2));

  final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  final MutableClock clock = MutableClock.of(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);
  final FakeRepo repo =
      FakeRepo.model("flora/tiny").file(INDEX, "{\"_class_name\":\"X\"}").noise(WEIGHTS, 300_000);
  private final List<AutoCloseable> open = new ArrayList<>();
  final FakeHub origin = hub("").add(repo);
  final FakeHub proxy = hub("/huggingface-proxy").add(repo);

  Rig() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  /** Another one, closed with all others. */
  FakeHub hub(String prefix) {
    var hub = FakeHub.start(0, prefix);
    open.add(hub);
    return hub;
  }

  FakeHub hub(String prefix, Shape shape) {
    return hub(prefix).shape(shape);
  }

  /** The mirror as it is configured. */
  Mirror proxied() {
    return mirror("proxy", Site.Kind.HUGGINGFACE, proxy.endpoint());
  }

  static Mirror mirror(String name, Site.Kind kind, URI endpoint) {
    return mirror(name, kind, endpoint, null, null, Map.of(), null);
  }

  static Mirror mirror(
      String name,
      Site.Kind kind,
      URI endpoint,
      @Nullable String api,
      @Nullable String files,
      Map<String, String> owners,
      @Nullable String token) {
    return new Mirror(
        name, kind, endpoint, api, files, Map.of(), token, owners, Map.of(), 100, true, 16,
        List.of());
  }

  /** The same for some repositories alone. */
  static Mirror serving(Mirror m, String... repos) {
    return new Mirror(
        m.name(),
        m.kind(),
        m.endpoint(),
        m.api(),
        m.files(),
        m.headers(),
        m.token(),
        m.owners(),
        m.revisions(),
        m.rank(),
        m.enabled(),
        m.maxConnections(),
        List.of(repos));
  }

  Mirrors mirrors(URI hub, Mirror... mirrors) {
    return mirrors(HubSettings.of(hub), MirrorProperties.of(mirrors));
  }

  Mirrors mirrors(HubSettings hub, MirrorProperties properties) {
    var made =
        new Mirrors(
            properties, hub, Map.of("PROXY_TOKEN", "token-of-the-proxy")::get, store, clock, QUICK);
    open.add(made);
    return made;
  }

  /** A hub that wants a token. */
  static HubSettings withToken(FakeHub hub, String token) {
    var plain = HubSettings.of(hub.endpoint());
    return new HubSettings(
        hub.endpoint(),
        token,
        Set.of("127.0.0.1:" + hub.endpoint().getPort()),
        plain.connectTimeout(),
        plain.readTimeout(),
        plain.proxies(),
        null);
  }

  /** Where connections are refused. */
  URI nobody() throws Exception {
    try (var socket = new ServerSocket(0)) {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
  }

  /**
   * Where connecting hangs, as where packets are dropped: nobody accepts, and the queue is full.
   */
  URI blackHole() throws Exception {
    var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    open.add(socket);
    for (int i = 0; i < 16; i++) {
      var waiting = new Socket();
      open.add(waiting);
      try {
        waiting.connect(socket.getLocalSocketAddress(), 100);
      } catch (java.net.SocketTimeoutException e) {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
      }
    }
    throw new IllegalStateException("its queue does not fill");
  }

  Located locate(Mirrors mirrors, String useMirror) throws InterruptedException {
    return mirrors.locate(RepoType.MODEL, TINY, "main", useMirror);
  }

  /** Leaves in the store what a fetch of the repository would. */
  void fetched() throws InterruptedException {
    var located = locate(mirrors(origin.endpoint()), "true");
    var files = new LinkedHashMap<HubFile, Verified>();
    for (var file : located.listing().files()) {
      var digest = new Sha256(repo.sha256(file.path()));
      files.put(file, new Verified(digest, file.size(), "lfs-sha256", "hub", Instant.EPOCH));
    }
    new Archive(store).publish(located, files, Map.of());
  }

  static HubFile file(Located located, String path) {
    return located.listing().file(path).orElseThrow();
  }

  static List<String> names(Located located, String path) {
    return located.sources(file(located, path)).stream().map(FileSource::name).toList();
  }

  static FileSource source(Located located, String path, String name) {
    return located.sources(file(located, path)).stream()
        .filter(source -> source.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  static byte[] all(FileSource source, HubFile file) throws InterruptedException {
    try (var stream = source.open(0, file.size())) {
      return stream.readAll(file);
    }
  }

  @Override
  public void close() throws Exception {
    for (var one : open.reversed()) {
      one.close();
    }
  }
}
