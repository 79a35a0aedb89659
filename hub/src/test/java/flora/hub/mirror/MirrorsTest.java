package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Redirects;
import flora.fakehub.Shape;
import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.RepoId;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MirrorsTest {

  private static final RepoId TINY = new RepoId("flora/tiny");
  private static final String WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
  private static final RetryPolicy QUICK =
      new RetryPolicy(2, Duration.ofMillis(1), Duration.ofSeconds(2));

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final FakeRepo repo =
      FakeRepo.model("flora/tiny")
          .file("model_index.json", "{\"_class_name\":\"X\"}")
          .noise(WEIGHTS, 300_000);
  private final FakeHub origin = FakeHub.start(0).add(repo);
  private final FakeHub other = FakeHub.start(0, "/huggingface-proxy").add(repo);
  private final List<AutoCloseable> open = new ArrayList<>(List.of(origin, other));

  MirrorsTest() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  @AfterEach
  void stop() throws Exception {
    for (var one : open.reversed()) {
      one.close();
    }
  }

  static Mirror mirror(String name, URI endpoint) {
    return mirror(name, Site.Kind.HUGGINGFACE, endpoint, null);
  }

  static Mirror mirror(String name, Site.Kind kind, URI endpoint, @Nullable String files) {
    return new Mirror(
        name, kind, endpoint, null, files, Map.of(), null, Map.of(), Map.of(), 100, true, 16,
        List.of());
  }

  private Mirrors mirrors(URI hub, Mirror... mirrors) {
    return mirrors(hub, MirrorProperties.of(mirrors));
  }

  private Mirrors mirrors(URI hub, MirrorProperties properties) {
    var made =
        new Mirrors(properties, HubSettings.of(hub), name -> null, store, Clock.systemUTC(), QUICK);
    open.add(made);
    return made;
  }

  private static URI nobody() throws Exception {
    try (var socket = new ServerSocket(0)) {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
  }

  private static HubFile weights(Located located) {
    return located.listing().file(WEIGHTS).orElseThrow();
  }

  private static List<String> names(Located located, String path) {
    return located.sources(located.listing().file(path).orElseThrow()).stream()
        .map(FileSource::name)
        .toList();
  }

  private static byte[] all(FileSource source, HubFile file) throws Exception {
    try (var stream = source.open(0, file.size())) {
      return stream.readAll(file);
    }
  }

  @Test
  void hasAFileFromTheHubAndFromItsMirror() throws Exception {
    var located =
        mirrors(origin.endpoint(), mirror("proxy", other.endpoint()))
            .locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(located.listedBy()).contains("127.0.0.1");
    await().untilAsserted(() -> assertThat(names(located, WEIGHTS)).hasSize(2));
    assertThat(names(located, WEIGHTS)).containsExactlyInAnyOrder("127.0.0.1", "proxy");
    for (var source : located.sources(weights(located))) {
      assertThat(source.isUsable()).isTrue();
      assertThat(all(source, weights(located))).hasSize(300_000);
    }
    assertThat(located.warnings()).isEmpty();
  }

  @Test
  void doesNotWaitForAHubThatNobodyReaches() throws Exception {
    origin.fault("/api/", new Fault.BlackHole(), Integer.MAX_VALUE);
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    long start = System.nanoTime();
    var located = mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
    assertThat(located.listedBy()).contains("proxy");
    assertThat(located.listing().commit()).isEqualTo(repo.commitOf("main"));
    assertThat(names(located, WEIGHTS)).containsExactly("proxy");

    // after its three seconds the hub is known to be away, and not even waited for
    await()
        .atMost(Duration.ofSeconds(8))
        .until(() -> mirrors.list().getFirst().circuit() == MirrorStatus.Circuit.OPEN);
    origin.forget();
    start = System.nanoTime();
    mirrors.locate(RepoType.MODEL, TINY, "main", "true");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(400));
    assertThat(origin.seen()).isEmpty();
  }

  @Test
  void asksTheHubOnceWhereAMirrorAnswers() throws Exception {
    origin.fault("/api/", new Fault.Status(503), Integer.MAX_VALUE);
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(origin.seen()).hasSize(1);
  }

  @Test
  void takesTheEqualFilesOfAMirrorThatIsBehind() throws Exception {
    var old = repo.commitOf("main");
    repo.file("model_index.json", "{\"_class_name\":\"Y\"}").commit("main");
    other.behind(repo, old);
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    var located = mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(located.listing().commit()).isEqualTo(repo.commitOf("main")).isNotEqualTo(old);
    await().untilAsserted(() -> assertThat(names(located, WEIGHTS)).contains("proxy"));
    assertThat(names(located, "model_index.json")).containsExactly("127.0.0.1");
    var proxy =
        located.sources(weights(located)).stream()
            .filter(s -> s.name().equals("proxy"))
            .findFirst()
            .orElseThrow();
    assertThat(all(proxy, weights(located))).hasSize(300_000);
    assertThat(mirrors.get("proxy").lagSeconds()).isGreaterThan(0);
    assertThat(mirrors.get("proxy").lagging()).isFalse();
  }

  @Test
  void triesUniversitiesForEveryFile() throws Exception {
    var university = FakeHub.start(0, "/mirror").shape(Shape.PLAIN_FILES);
    open.add(university);
    university.add(FakeRepo.model("flora/tiny").noise(WEIGHTS, 300_000));
    var base = university.endpoint() + "/hugging-face/models/{id}/{path}";
    var mirrors =
        mirrors(origin.endpoint(), mirror("uni", Site.Kind.FILES, university.endpoint(), base));

    var located = mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(names(located, WEIGHTS)).containsExactlyInAnyOrder("127.0.0.1", "uni");
    var sources = located.sources(weights(located));
    var uni = sources.stream().filter(s -> s.name().equals("uni")).findFirst().orElseThrow();
    assertThat(all(uni, weights(located))).hasSize(300_000);
    try (var stream = uni.open(100_000, 100_010)) {
      assertThat(stream.read(new byte[20], 0, 20)).isEqualTo(10);
    }
    var index = located.listing().file("model_index.json").orElseThrow();
    var missing =
        located.sources(index).stream().filter(s -> s.name().equals("uni")).findFirst().get();
    assertThatThrownBy(() -> missing.open(0, index.size()))
        .isInstanceOf(HubException.EntryNotFound.class)
        .hasMessageContaining("uni");
    assertThat(missing.isUsable()).isFalse();
    assertThat(mirrors.get("uni").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
  }

  @Test
  void knowsAnotherVersionOfAFileByItsSize() throws Exception {
    var university = FakeHub.start(0).shape(Shape.PLAIN_FILES);
    open.add(university);
    university.add(FakeRepo.model("flora/tiny").noise(WEIGHTS, 299_999));
    var base = university.endpoint() + "/hugging-face/models/{id}/{path}";
    var located =
        mirrors(origin.endpoint(), mirror("uni", Site.Kind.FILES, university.endpoint(), base))
            .locate(RepoType.MODEL, TINY, "main", "true");

    var uni =
        located.sources(weights(located)).stream()
            .filter(s -> s.name().equals("uni"))
            .findFirst()
            .orElseThrow();

    assertThatThrownBy(() -> uni.open(0, 1000))
        .isInstanceOf(HubException.OtherFile.class)
        .hasMessageContaining("299999");
    assertThat(uni.isUsable()).isFalse();
  }

  @Test
  void speaksWithModelScope() throws Exception {
    var scope = FakeHub.start(0).shape(Shape.MODELSCOPE);
    open.add(scope);
    scope.add(
        FakeRepo.model("AI-ModelScope/tiny")
            .file("model_index.json", "{\"_class_name\":\"X\"}")
            .noise(WEIGHTS, 300_000));
    var there =
        new Mirror(
            "scope",
            Site.Kind.MODELSCOPE,
            scope.endpoint(),
            null,
            null,
            Map.of(),
            null,
            Map.of("flora", "AI-ModelScope"),
            Map.of(),
            100,
            true,
            16,
            List.of());

    var alone = mirrors(nobody(), there).locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(alone.listedBy()).contains("scope");
    assertThat(alone.listing().repo()).isEqualTo(TINY);
    assertThat(alone.listing().files()).allMatch(f -> f.sha256() != null && f.gitSha1() == null);
    assertThat(all(alone.sources(weights(alone)).getFirst(), weights(alone))).hasSize(300_000);
    assertThat(alone.warnings()).singleElement().asString().contains("scope");
    assertThat(scope.seen()).allMatch(s -> s.uri().getQuery().contains("Revision=master"));

    // beside the hub: large files by their SHA-256, small ones by size until they are there
    var beside = mirrors(origin.endpoint(), there).locate(RepoType.MODEL, TINY, "main", "true");
    assertThat(beside.listedBy()).contains("127.0.0.1");
    await().untilAsserted(() -> assertThat(names(beside, WEIGHTS)).hasSize(2));
    assertThat(names(beside, "model_index.json")).contains("scope");
    var file = weights(beside);
    for (var source : beside.sources(file)) {
      try (var stream = source.open(1000, 1010)) {
        assertThat(stream.read(new byte[20], 0, 20)).isEqualTo(10);
      }
    }
  }

  @Test
  void asksTheNamedMirrorAlone() throws Exception {
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    var located = mirrors.locate(RepoType.MODEL, TINY, "main", "proxy");

    assertThat(located.listedBy()).contains("proxy");
    assertThat(names(located, WEIGHTS)).containsExactly("proxy");
    assertThat(origin.seen()).isEmpty();
    assertThatThrownBy(() -> mirrors.locate(RepoType.MODEL, TINY, "main", "hf-mirror"))
        .isInstanceOf(MirrorException.Unknown.class)
        .hasMessageContaining("proxy");
    mirrors.locate(RepoType.MODEL, TINY, "main", "false");
    assertThat(origin.seen()).isNotEmpty();
  }

  @Test
  void namesEverybodysCauseWhenNobodyAnswers() throws Exception {
    other.fault("/api/", new Fault.Status(500), Integer.MAX_VALUE);
    var mirrors = mirrors(nobody(), mirror("proxy", other.endpoint()));

    assertThatThrownBy(() -> mirrors.locate(RepoType.MODEL, TINY, "main", "true"))
        .isInstanceOfSatisfying(
            MirrorException.NobodyAnswered.class,
            e -> {
              assertThat(e).hasMessageContaining(": 127.0.0.1 cannot be reached: ");
              assertThat(e).hasMessageContaining("; proxy cannot be reached: ");
              assertThat(e.getMessage()).doesNotContain("127.0.0.1: 127", "proxy: proxy");
              assertThat(e).hasMessageContaining("500");
              assertThat(e.hint()).contains("use_mirror", "HF_ENDPOINT", "PROXY");
            });
  }

  @Test
  void letsTheHubsOwnWordWin() throws Exception {
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    assertThatThrownBy(() -> mirrors.locate(RepoType.MODEL, new RepoId("no/such"), "main", "true"))
        .isInstanceOf(HubException.RepoNotFound.class)
        .hasMessageContaining("127.0.0.1");
  }

  @Test
  void followsARepositoryToItsNewName() throws Exception {
    var old = new RepoId("runwayml/stable-diffusion-v1-5");
    origin.add(FakeRepo.model("stable-diffusion-v1-5/stable-diffusion-v1-5").file("a.txt", "a"));
    origin.add(FakeRepo.model("new/name").file("a.txt", "a").formerly("old/name"));
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));

    var known = mirrors.locate(RepoType.MODEL, old, "main", "true");
    var redirected = mirrors.locate(RepoType.MODEL, new RepoId("old/name"), "main", "true");

    assertThat(known.renamed().orElseThrow().repo())
        .isEqualTo(known.listing().repo())
        .hasToString("stable-diffusion-v1-5/stable-diffusion-v1-5");
    assertThat(known.renamed().orElseThrow().requested()).isEqualTo(old);
    assertThat(redirected.renamed().orElseThrow().repo()).hasToString("new/name");
    assertThat(redirected.warnings()).singleElement().asString().contains("old/name", "new/name");
  }

  @Test
  void goesOnWithWhatWasFetchedWhenNobodyIsThere() throws Exception {
    var first = mirrors(origin.endpoint()).locate(RepoType.MODEL, TINY, "main", "true").listing();
    var archive = new Archive(store);
    var kept = weights(mirrors(origin.endpoint()).locate(RepoType.MODEL, TINY, "main", "true"));
    var sha256 = kept.sha256();
    assertThat(sha256).isNotNull();
    archive.publish(
        first, Map.of(kept, new Verified(sha256, kept.size(), "lfs-sha256", "hub", Instant.EPOCH)));

    var away = mirrors(nobody()).locate(RepoType.MODEL, TINY, "main", "true");
    var offline =
        new MirrorProperties(List.of(), false, true, Map.of(), Duration.ZERO, "a/b", 200, 300, 500);
    var silent = mirrors(origin.endpoint(), offline);
    origin.forget();
    var unasked = silent.locate(RepoType.MODEL, TINY, "main", "true");

    for (var located : List.of(away, unasked)) {
      assertThat(located.listing().commit()).isEqualTo(first.commit());
      assertThat(located.listing().files()).containsExactly(kept);
      assertThat(located.sources(kept)).isEmpty();
      assertThat(located.listedBy()).contains("store");
      assertThat(located.warnings()).singleElement().asString().contains(first.commit());
    }
    assertThat(origin.seen()).isEmpty();
    assertThatThrownBy(() -> silent.locate(RepoType.MODEL, TINY, "v2", "true"))
        .isInstanceOf(MirrorException.NotKept.class);
  }

  @Test
  void sparesAMirrorThatLied() throws Exception {
    var mirrors =
        mirrors(nobody(), mirror("proxy", other.endpoint()), mirror("good", origin.endpoint()));
    var located = mirrors.locate(RepoType.MODEL, TINY, "main", "true");
    await().untilAsserted(() -> assertThat(names(located, WEIGHTS)).hasSize(2));
    var index = located.listing().file("model_index.json").orElseThrow();

    var liar =
        located.sources(index).stream().filter(s -> s.name().equals("proxy")).findFirst().get();
    liar.lied("a wrong byte");

    assertThat(mirrors.get("proxy").circuit()).isEqualTo(MirrorStatus.Circuit.OPEN);
    assertThat(mirrors.get("proxy").cause()).contains("wrong bytes");
    assertThat(liar.isUsable()).isFalse();
    assertThat(mirrors.get("good").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
    var alone = mirrors.locate(RepoType.MODEL, TINY, "main", "proxy");
    assertThat(alone.sources(index).getFirst().isUsable()).isTrue();
  }

  @Test
  void measuresAMirror() throws Exception {
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));
    mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    var result = mirrors.probe("proxy");

    assertThat(result.verdict()).isIn(ProbeResult.Verdict.OK, ProbeResult.Verdict.SLOW);
    assertThat(result.reachable()).isTrue();
    assertThat(result.commit()).isEqualTo(result.originCommit()).isEqualTo(repo.commitOf("main"));
    assertThat(result.lagSeconds()).isZero();
    assertThat(result.p50Ms()).isNotNull().isLessThanOrEqualTo(result.p95Ms());
    assertThat(result.bytesPerSecond()).isPositive();
    assertThat(mirrors.get("proxy").bytesPerSecond()).isEqualTo(result.bytesPerSecond());
  }

  @Test
  void saysWhichHostAMirrorsDataLeadsTo() throws Exception {
    other.redirects(Redirects.with(302).content(URI.create("http://localhost:1")));
    var mirrors = mirrors(origin.endpoint(), mirror("proxy", other.endpoint()));
    mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    var result = mirrors.probe("proxy");

    assertThat(result.verdict()).isEqualTo(ProbeResult.Verdict.METADATA_ONLY);
    assertThat(result.cause()).contains("localhost");
    assertThat(result.reachable()).isTrue();
    assertThat(mirrors.get("proxy").metadataOnly()).isEqualTo("localhost");
  }

  @Test
  void saysWhatIsWrongWithAMirror() throws Exception {
    other.fault("/api/", new Fault.Late(Duration.ofMillis(250)), Integer.MAX_VALUE);
    var mirrors =
        mirrors(origin.endpoint(), mirror("late", other.endpoint()), mirror("dead", nobody()));
    mirrors.locate(RepoType.MODEL, TINY, "main", "true");

    assertThat(mirrors.probe("late"))
        .satisfies(
            late -> {
              assertThat(late.verdict()).isEqualTo(ProbeResult.Verdict.SLOW);
              assertThat(late.p95Ms()).isGreaterThanOrEqualTo(250);
              assertThat(late.cause()).contains("200");
            });
    assertThat(mirrors.probe("dead").verdict()).isEqualTo(ProbeResult.Verdict.UNREACHABLE);
    assertThat(mirrors.probe("hub").verdict()).isEqualTo(ProbeResult.Verdict.OK);
  }

  @Test
  void keepsMirrorsOfTheApiForAllServices() throws Exception {
    var one = mirrors(origin.endpoint());
    var two = mirrors(origin.endpoint());

    var made = one.put(mirror("proxy", other.endpoint()));

    assertThat(made.made()).isEqualTo(MirrorStatus.Made.API);
    assertThat(two.list()).extracting(s -> s.mirror().name()).containsExactly("hub", "proxy");
    var located = two.locate(RepoType.MODEL, TINY, "main", "proxy");
    assertThat(located.listedBy()).contains("proxy");

    one.put(mirror("proxy", other.endpoint()).enabled(false));
    assertThat(one.get("proxy").mirror().enabled()).isFalse();
    assertThatThrownBy(() -> one.locate(RepoType.MODEL, TINY, "main", "proxy"))
        .isInstanceOf(MirrorException.NotServing.class);
    one.remove("proxy");
    assertThatThrownBy(() -> one.get("proxy")).isInstanceOf(MirrorException.Unknown.class);
    assertThatThrownBy(() -> one.remove("proxy")).isInstanceOf(MirrorException.Unknown.class);
  }
}
