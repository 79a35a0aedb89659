package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.When;
import flora.schemas.ErrorCode;
import flora.schemas.RepoId;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubClientTest {

  private static final RepoId TINY = new RepoId("flora/tiny");
  private static final String WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
  private static final RetryPolicy QUICK =
      new RetryPolicy(3, Duration.ofMillis(1), Duration.ofSeconds(2));

  private final FakeHub hub = FakeHub.start(0, "/huggingface-proxy");
  private final FakeRepo repo =
      FakeRepo.model("flora/tiny")
          .file("model_index.json", "{\"_class_name\":\"X\"}")
          .file("names with spaces/ä+b%20.txt", "odd")
          .noise(WEIGHTS, 300_000);
  private final HubClient client = client(HubSettings.of(hub.endpoint()));

  private static HubClient client(HubSettings settings) {
    return new HubClient(settings, QUICK, Clock.systemUTC());
  }

  private HubSettings with(String token, String... hosts) {
    var plain = HubSettings.of(hub.endpoint());
    return new HubSettings(
        hub.endpoint(),
        token,
        Set.of(hosts),
        plain.connectTimeout(),
        plain.readTimeout(),
        plain.proxies(),
        null);
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  @Test
  void pinsARevisionToItsCommitAndListsItsFiles() throws Exception {
    hub.add(repo);

    var listing = client.listing(RepoType.MODEL, TINY, "main");

    assertThat(listing.commit()).isEqualTo(repo.commitOf("main"));
    assertThat(listing.files()).extracting(HubFile::path).containsExactlyElementsOf(repo.paths());
    var weights = listing.file(WEIGHTS).orElseThrow();
    assertThat(weights.size()).isEqualTo(300_000);
    assertThat(weights.sha256()).hasToString(repo.sha256(WEIGHTS));
    assertThat(listing.file("model_index.json").orElseThrow().sha256()).isNull();
    assertThat(hub.seen())
        .allMatch(seen -> seen.uri().getPath().startsWith("/huggingface-proxy/api/models/"));
  }

  @Test
  void readsFilesThroughRelativeAndAbsoluteRedirectsWithTheirQuery() throws Exception {
    hub.add(repo);
    var listing = client.listing(RepoType.MODEL, TINY, "main");
    hub.forget();

    for (var file : listing.files()) {
      assertThat(client.read(listing, file)).hasSize((int) file.size());
    }

    assertThat(hub.seen()).hasSize(6).allMatch(s -> "identity".equals(s.acceptEncoding()));
    assertThat(hub.seen())
        .filteredOn(s -> s.uri().getPath().contains("resolve-cache"))
        .hasSize(2)
        .allMatch(s -> s.uri().getRawQuery().startsWith("etag="));
    assertThat(hub.seen())
        .filteredOn(FakeHub.Seen::onContent)
        .singleElement()
        .matches(s -> s.uri().getRawQuery().contains("&sig="));
  }

  @Test
  void startsAFileInItsMiddle() throws Exception {
    hub.add(repo);
    var listing = client.listing(RepoType.MODEL, TINY, "main");
    var file = listing.file(WEIGHTS).orElseThrow();
    var whole = client.read(listing, file);

    var rest = new byte[10];
    try (var stream = client.open(listing, file, 299_990, 300_000)) {
      assertThat(stream.read(rest, 0, 10)).isEqualTo(10);
      assertThat(stream.total()).hasValue(300_000);
    }
    hub.fault(WEIGHTS, new Fault.BareHeaders(), 1);
    var restOfAServerWithoutRanges = new byte[10];
    try (var stream = client.open(listing, file, 299_990, 300_000)) {
      assertThat(stream.read(restOfAServerWithoutRanges, 0, 10)).isEqualTo(10);
      assertThat(stream.total()).isEmpty();
    }

    assertThat(rest).isEqualTo(java.util.Arrays.copyOfRange(whole, 299_990, 300_000));
    assertThat(restOfAServerWithoutRanges).isEqualTo(rest);
  }

  @Test
  void listsFiveThousandFilesPageByPage() throws Exception {
    var large = FakeRepo.dataset("flora/many");
    for (int i = 0; i < 5000; i++) {
      large.file("images/%04d.txt".formatted(i), Integer.toString(i));
    }
    hub.add(large).pageSize(999);

    var listing = client.listing(RepoType.DATASET, new RepoId("flora/many"), "main");

    assertThat(listing.files()).hasSize(5000);
    assertThat(listing.files()).extracting(HubFile::path).doesNotHaveDuplicates().isSorted();
    assertThat(hub.seen()).hasSize(1 + 6);
  }

  @Test
  void understandsOnePartNamesAndRevisionsWithSlashes() throws Exception {
    hub.add(
        FakeRepo.model("gpt2")
            .file("a.txt", "one")
            .commit("main")
            .file("a.txt", "two")
            .commit("refs/pr/1"));

    var listing = client.listing(RepoType.MODEL, new RepoId("gpt2"), "refs/pr/1");

    assertThat(client.read(listing, listing.files().getFirst()))
        .isEqualTo("two".getBytes(StandardCharsets.UTF_8));
    assertThat(hub.seen().getFirst().uri().getRawPath()).endsWith("/revision/refs%2Fpr%2F1");
  }

  @Test
  void followsARenamedRepository() throws Exception {
    hub.add(repo.formerly("old/tiny"));

    var listing = client.listing(RepoType.MODEL, new RepoId("old/tiny"), "main");

    assertThat(listing.commit()).isEqualTo(repo.commitOf("main"));
    assertThat(client.read(listing, listing.file("model_index.json").orElseThrow())).isNotEmpty();
  }

  @Test
  void saysThatAMissingRepositoryMayBePrivate() {
    assertThatThrownBy(() -> client.listing(RepoType.MODEL, TINY, "main"))
        .isInstanceOfSatisfying(
            HubException.RepoNotFound.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.REPO_NOT_FOUND);
              assertThat(e).hasMessageContaining("flora/tiny").hasMessageContaining("private");
              assertThat(e.hint()).contains("HF_TOKEN");
            });
    assertThat(hub.seen()).hasSize(1);
  }

  @Test
  void takesA401WithoutAnErrorCodeForAMissingRepository() {
    hub.fault("/api/models", new Fault.Status(401), 1);

    assertThatThrownBy(() -> client.listing(RepoType.MODEL, TINY, "main"))
        .isInstanceOf(HubException.RepoNotFound.class);
  }

  @Test
  void namesTheRevisionThatIsMissing() {
    hub.add(repo);

    assertThatThrownBy(() -> client.listing(RepoType.MODEL, TINY, "v9"))
        .isInstanceOf(HubException.RevisionNotFound.class)
        .hasMessageContaining("v9");
  }

  @Test
  void namesThePageWhereAGatedRepositorysTermsAreAccepted() throws Exception {
    hub.add(FakeRepo.model("flora/gate").file("a.txt", "a").gated("right"));
    var gate = new RepoId("flora/gate");
    var listing = client.listing(RepoType.MODEL, gate, "main");
    var file = listing.files().getFirst();

    assertThatThrownBy(() -> client.read(listing, file))
        .isInstanceOfSatisfying(
            HubException.Gated.class,
            e -> {
              assertThat(e.hint()).contains(hub.endpoint() + "/flora/gate").contains("HF_TOKEN");
              assertThat(e.code()).isEqualTo(ErrorCode.REPO_GATED);
            });
    try (var other = client(with("wrong", "127.0.0.1"))) {
      assertThatThrownBy(() -> other.read(listing, file))
          .isInstanceOf(HubException.Gated.class)
          .hasMessageContaining("account")
          .message()
          .doesNotContain("wrong");
    }
    try (var right = client(with("right", "127.0.0.1"))) {
      assertThat(right.read(listing, file)).asString().isEqualTo("a");
    }
  }

  @Test
  void showsTheTokenOnlyToHostsThatMaySeeIt() throws Exception {
    hub.add(repo);
    try (var strangers = client(with("secret"));
        var listed = client(with("secret", "127.0.0.1:" + hub.endpoint().getPort()))) {
      var listing = strangers.listing(RepoType.MODEL, TINY, "main");
      assertThat(hub.seen()).allMatch(seen -> seen.authorization() == null);
      hub.forget();

      listed.read(listing, listing.file(WEIGHTS).orElseThrow());
    }

    assertThat(hub.seen()).hasSize(2);
    assertThat(hub.seen().get(0).authorization()).isEqualTo("Bearer secret");
    assertThat(hub.seen().get(1).onContent()).isTrue();
    assertThat(hub.seen().get(1).authorization()).isNull();
  }

  @Test
  void waitsAsLongAsTheHubAsks() throws Exception {
    hub.add(repo).fault("/api/models", new Fault.Status(429, Map.of("Retry-After", "1")), 1);

    var start = System.nanoTime();
    client.listing(RepoType.MODEL, TINY, "main");

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(990));
  }

  @Test
  void doesNotWaitForAnHour() {
    hub.add(repo).fault("/api/models", new Fault.Status(429, Map.of("Retry-After", "3600")), 9);

    assertThatThrownBy(() -> client.listing(RepoType.MODEL, TINY, "main"))
        .isInstanceOfSatisfying(
            HubException.RateLimited.class,
            e -> assertThat(e.retryAfter()).contains(Duration.ofHours(1)));
    assertThat(hub.seen()).hasSize(1);
  }

  @Test
  void readsARetryAfterThatIsADate() {
    var noon = Instant.parse("2026-01-01T12:00:00Z");
    hub.add(repo)
        .fault(
            "/api/models",
            new Fault.Status(429, Map.of("Retry-After", "Thu, 1 Jan 2026 12:30:00 GMT")),
            1);
    try (var atNoon =
        new HubClient(HubSettings.of(hub.endpoint()), QUICK, Clock.fixed(noon, ZoneOffset.UTC))) {
      assertThatThrownBy(() -> atNoon.listing(RepoType.MODEL, TINY, "main"))
          .isInstanceOfSatisfying(
              HubException.RateLimited.class,
              e -> assertThat(e.retryAfter()).contains(Duration.ofMinutes(30)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 502, 503, 504, 408})
  void triesAgainWhenTheHubIsDownForAMoment(int status) throws Exception {
    hub.add(repo)
        .fault("", When.always(), new Fault.NameOnly())
        .fault("/tree/", new Fault.Status(status), 2);

    assertThat(client.listing(RepoType.MODEL, TINY, "main").files()).hasSize(3);
  }

  @Test
  void givesUpOnAHubThatIsNotThere() throws Exception {
    int port;
    try (var socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    try (var lost = client(HubSettings.of(URI.create("http://127.0.0.1:" + port)))) {
      assertThatThrownBy(() -> lost.listing(RepoType.MODEL, TINY, "main"))
          .isInstanceOf(HubException.Unreachable.class)
          .hasMessageContaining("127.0.0.1");
    }
  }

  @Test
  void tellsAPageForPeopleFromAFile() throws Exception {
    hub.add(repo).fault(WEIGHTS, new Fault.Html(), 1);
    var listing = client.listing(RepoType.MODEL, TINY, "main");

    assertThatThrownBy(() -> client.read(listing, listing.file(WEIGHTS).orElseThrow()))
        .isInstanceOf(HubException.Protocol.class)
        .hasMessageContaining("HTML");
  }

  @Test
  void refusesAListingWithPathsThatLeaveTheRepository() throws Exception {
    hub.add(FakeRepo.model("flora/evil").file("../../etc/passwd", "x"));

    assertThatThrownBy(() -> client.listing(RepoType.MODEL, new RepoId("flora/evil"), "main"))
        .isInstanceOf(HubException.Protocol.class)
        .hasMessageContaining("path");
  }

  @Test
  void stopsWhenItsThreadIsInterrupted() throws Exception {
    hub.add(repo).fault(WEIGHTS, new Fault.Stall(10, Duration.ofSeconds(20)), 1);
    var listing = client.listing(RepoType.MODEL, TINY, "main");
    var outcome = new java.util.concurrent.CompletableFuture<Throwable>();
    var thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    client.read(listing, listing.file(WEIGHTS).orElseThrow());
                  } catch (Throwable e) {
                    outcome.complete(e);
                  }
                });
    Thread.sleep(300);

    thread.interrupt();

    assertThat(outcome.get(5, java.util.concurrent.TimeUnit.SECONDS))
        .isInstanceOf(InterruptedException.class);
  }

  @Test
  void goesThroughAProxyThatWantsAPassword() throws Exception {
    var whoAreYou = Map.of("Proxy-Authenticate", "Basic realm=\"proxy\"");
    hub.add(repo).fault("/api/models", new Fault.Status(407, whoAreYou), 1);
    var plain = HubSettings.of(URI.create("http://hub.example/huggingface-proxy"));
    var proxy = "http://user:pass@127.0.0.1:" + hub.endpoint().getPort();
    try (var behind =
        client(
            new HubSettings(
                plain.endpoint(),
                "",
                Set.of(),
                plain.connectTimeout(),
                plain.readTimeout(),
                new HubSettings.Proxies(proxy, "", "unrelated.example"),
                null))) {
      var listing = behind.listing(RepoType.MODEL, TINY, "main");

      assertThat(behind.read(listing, listing.file("model_index.json").orElseThrow())).isNotEmpty();
    }
    assertThat(hub.seen())
        .filteredOn(seen -> !seen.onContent())
        .allMatch(seen -> "hub.example".equals(seen.uri().getHost()));
  }

  @Test
  void readsATreeWhosePagesNameTheOriginInsteadOfTheMirror() throws Exception {
    hub.add(repo).fault("", When.always(), new Fault.NameOnly()).pageSize(2);
    // by another name of the same machine: the next page's URL says 127.0.0.1
    var byName =
        URI.create("http://localhost:" + hub.endpoint().getPort() + hub.endpoint().getPath());
    try (var mirror = client(HubSettings.of(byName))) {
      assertThat(mirror.listing(RepoType.MODEL, TINY, "main").files()).hasSize(3);
    }
  }

  @Test
  void saysThatANameHasNoAddress() throws Exception {
    var e = HubHttp.unreachable("hub", "hub.example", new UnknownHostException("hub.example"));

    assertThat(e).hasMessage("hub cannot be reached: no address is known for hub.example");
  }
}
