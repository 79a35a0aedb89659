package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Redirects;
import flora.fakehub.Shape;
import flora.fakehub.Throttle;
import flora.fakehub.When;
import flora.fetcher.download.DownloadSettings;
import flora.fetcher.download.Downloader;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorException;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.Planner;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole fetches from a hub and its mirrors. */
class MirroredFetchTest {

  private static final String WEIGHTS = "model.safetensors";
  private static final RepoId TINY = new RepoId("flora/tiny");
  private static final RetryPolicy POLICY =
      new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(2));

  private final FakeRepo repo =
      FakeRepo.model("flora/tiny").file("config.json", "{}").noise(WEIGHTS, 3_000_000);
  private final FakeHub hub = FakeHub.start(0).add(repo);
  private final FakeHub near = FakeHub.start(0, "/huggingface-proxy").add(repo);
  private final FakeHub university = FakeHub.start(0, "/mirror").shape(Shape.PLAIN_FILES).add(repo);
  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Archive archive = new Archive(store);
  private final RecordingContext context = new RecordingContext();
  private @Nullable Mirrors known;
  private final List<AutoCloseable> open = new ArrayList<>(List.of(hub, near, university));

  @BeforeEach
  void start() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  @AfterEach
  void stop() throws Exception {
    for (var one : open.reversed()) {
      one.close();
    }
  }

  private static Mirror mirror(String name, Site.Kind kind, URI endpoint) {
    return new Mirror(
        name, kind, endpoint, null, null, Map.of(), null, Map.of(), Map.of(), 100, true, 16,
        List.of());
  }

  private Mirror proxy() {
    return mirror("near", Site.Kind.HUGGINGFACE, near.endpoint());
  }

  private Mirror files() {
    return mirror("uni", Site.Kind.FILES, URI.create(university.endpoint() + "/hugging-face"));
  }

  private FetcherFlow flow(URI endpoint, Mirror... mirrors) {
    var all =
        new Mirrors(
            MirrorProperties.of(mirrors),
            HubSettings.of(endpoint),
            name -> null,
            store,
            Clock.systemUTC(),
            POLICY);
    open.add(all);
    known = all;
    return new FetcherFlow(
        new Planner(all::locate, POLICY),
        archive,
        new Downloader(store, DownloadSettings.DEFAULT.with(POLICY), Clock.systemUTC()),
        Clock.systemUTC());
  }

  private FetchEvent.Completed run(FetcherFlow flow, String useMirror) throws Exception {
    context.events.clear();
    var done = flow.run(Requests.from(useMirror, "flora/tiny"), context);
    return (FetchEvent.Completed) context.say(done);
  }

  private List<String> sources() {
    return context.events(FetchEvent.FileVerified.class).stream()
        .map(FetchEvent.FileVerified::source)
        .distinct()
        .toList();
  }

  private List<String> warnings() {
    return context.events(FetchEvent.Started.class).getFirst().warnings();
  }

  private RepoManifest.Entry kept() {
    return archive
        .manifest(RepoType.MODEL, TINY, repo.commitOf("main"))
        .orElseThrow()
        .file(WEIGHTS)
        .orElseThrow();
  }

  /**
   * Where connecting hangs, as where packets are dropped: nobody accepts, and the queue is full.
   */
  private URI blackHole() throws Exception {
    var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    open.add(socket);
    for (int i = 0; i < 16; i++) {
      var waiting = new Socket();
      open.add(waiting);
      try {
        waiting.connect(socket.getLocalSocketAddress(), 100);
      } catch (SocketTimeoutException e) {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
      }
    }
    throw new IllegalStateException("its queue does not fill");
  }

  @Test
  void aHubThatDropsEveryPacketNeitherDelaysNorFailsAFetch() throws Exception {
    var flow = flow(blackHole(), proxy());

    long start = System.nanoTime();
    var completed = run(flow, "true");

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(2800));
    assertThat(completed.snapshots().getFirst().commit()).isEqualTo(repo.commitOf("main"));
    assertThat(sources()).containsExactly("near");
    assertThat(kept().verifiedBy()).isEqualTo("lfs-sha256");
    assertThat(kept().listedBy()).containsExactly("near");
  }

  @Test
  void aSecondPlaceThatCanBeReachedOnlyRaisesTheLevel() throws Exception {
    run(flow(hub.endpoint()), "true");
    assertThat(kept().listedBy()).containsExactly("127.0.0.1");
    var verified = kept().verifiedBy();

    var again = run(flow(hub.endpoint(), proxy(), files()), "near");

    assertThat(again.snapshots()).hasSize(1);
    assertThat(sources()).containsExactly("store");
    assertThat(kept().verifiedBy()).isEqualTo(verified).isEqualTo("lfs-sha256");
    // plain files have no list that could vouch for anything
    assertThat(kept().listedBy()).containsExactly("127.0.0.1", "near");
  }

  @Test
  void asksThoseWhoAreToBeAskedAndNobodyElse() throws Exception {
    var flow = flow(hub.endpoint(), proxy(), files());

    run(flow, "near");
    assertThat(sources()).containsExactly("near");
    assertThat(hub.seen()).isEmpty();
    assertThat(university.seen()).isEmpty();

    store.delete(StoreLayout.MODELS, StoreLayout.verified(kept().sha256()));
    near.forget();
    run(flow, "false");
    assertThat(context.events(FetchEvent.FileVerified.class))
        .filteredOn(event -> event.path().equals(WEIGHTS))
        .singleElement()
        .matches(event -> event.source().equals("127.0.0.1"));
    assertThat(near.seen()).isEmpty();
    assertThat(university.seen()).isEmpty();

    assertThatThrownBy(() -> run(flow, "far"))
        .isInstanceOf(MirrorException.Unknown.class)
        .hasMessageContaining("no mirror named far")
        .hasMessageContaining("[near, uni]");
  }

  @Test
  void goesOnWithThePlainFilesOfAUniversityWhenTheHubsBytesAreWrong() throws Exception {
    hub.fault(WEIGHTS, When.always(), new Fault.WrongBytes(1000));
    // so that the hub comes first
    university.throttle(Throttle.NONE.connection(6_000_000).latency(Duration.ofMillis(300)));

    run(flow(hub.endpoint(), files()), "true");

    assertThat(kept().source()).isEqualTo("uni");
    assertThat(kept().sha256()).hasToString(repo.sha256(WEIGHTS));
    assertThat(context.events(FetchEvent.ChecksumMismatched.class))
        .isNotEmpty()
        .allMatch(event -> event.source().equals("127.0.0.1"));
  }

  @Test
  void takesTheListOfAMirrorWhoseBytesNobodyReaches() throws Exception {
    repo.noise(WEIGHTS, 20_000_000); // in several ranges, so that both are asked
    university.throttle(Throttle.NONE.latency(Duration.ofSeconds(1)));
    near.redirects(Redirects.with(302).content(URI.create("http://localhost:1")));
    hub.die();

    run(flow(hub.endpoint(), proxy(), files()), "true");

    assertThat(kept().source()).isEqualTo("uni");
    assertThat(kept().listedBy()).containsExactly("near");
    var status = known.get("near");
    assertThat(status.metadataOnly()).isEqualTo("localhost");
    assertThat(status.cause()).contains("localhost");
  }

  @Test
  void tellsThatARepositoryIsHadUnderAnotherName() throws Exception {
    var old = "runwayml/stable-diffusion-v1-5";
    hub.add(
        FakeRepo.model("stable-diffusion-v1-5/stable-diffusion-v1-5").file("config.json", "{}"));

    var done = flow(hub.endpoint()).run(Requests.from("true", old), context);

    var completed = (FetchEvent.Completed) context.say(done);
    assertThat(completed.snapshots().getFirst().repo())
        .hasToString("stable-diffusion-v1-5/stable-diffusion-v1-5");
    assertThat(context.events(FetchEvent.RepositoryRenamed.class))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.requested()).hasToString(old);
              assertThat(event.repo()).hasToString("stable-diffusion-v1-5/stable-diffusion-v1-5");
              assertThat(event.reason()).contains("no longer there");
            });
    assertThat(warnings()).anyMatch(warning -> warning.contains("in place of " + old));
  }

  @Test
  void namesThePageToAcceptWhoeverElseLacksTheFile() {
    hub.add(
        FakeRepo.model("flora/gate").file("config.json", "{}").noise(WEIGHTS, 1000).gated("right"));
    var page = hub.endpoint() + "/flora/gate";
    var flow = flow(hub.endpoint(), proxy(), files());

    for (var published : List.of("nothing", "config.json")) {
      if (!published.equals("nothing")) {
        university.add(FakeRepo.model("flora/gate").file(published, "{}"));
      }

      assertThatThrownBy(() -> flow.run(Requests.from("true", "flora/gate"), context))
          .isInstanceOfSatisfying(
              PipelineException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.REPO_GATED);
                assertThat(e.hint()).contains("accept the terms at " + page);
              });
    }
  }

  @Test
  void fetchesNothingAndFailsNotWhenAllIsKeptAndNobodyIsThere() throws Exception {
    run(flow(hub.endpoint(), proxy()), "true");
    hub.die();
    near.die();

    var completed = run(flow(hub.endpoint(), proxy()), "true");

    assertThat(completed.snapshots().getFirst().commit()).isEqualTo(repo.commitOf("main"));
    assertThat(sources()).containsExactly("store");
    assertThat(warnings()).singleElement().asString().contains("fetched last", "near");
  }

  @Test
  void readsTheDocumentsOfAKeptRepositoryInTheStoreWhenNobodyIsThere() throws Exception {
    hub.add(
        FakeRepo.model("flora/parts")
            .file("model_index.json", "{\"vae\": [\"diffusers\", \"AutoencoderKL\"]}")
            .file("vae/config.json", "{}")
            .noise("vae/diffusion_pytorch_model.safetensors", 2_000));
    var flow = flow(hub.endpoint());
    context.say(flow.run(Requests.from("true", "flora/parts"), context));
    hub.die();
    context.events.clear();

    context.say(flow.run(Requests.from("true", "flora/parts"), context));

    assertThat(sources()).containsExactly("store");
    assertThat(context.events(FetchEvent.FileVerified.class))
        .extracting(FetchEvent.FileVerified::path)
        .containsExactlyInAnyOrder(
            "model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors");
  }
}
