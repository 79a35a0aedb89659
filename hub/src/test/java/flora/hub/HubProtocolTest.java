package flora.hub;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import flora.fakehub.Expiry;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.RateLimit;
import flora.fakehub.Redirects;
import flora.fakehub.When;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.store.Secret;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What hubs, and what stands between, answer in truth. */
class HubProtocolTest {

  private static final RepoId TINY = new RepoId("flora/tiny");
  private static final String WEIGHTS = "model.safetensors";
  private static final String SECRET = "hf_veryveryhidden";
  private static final RetryPolicy ONCE =
      new RetryPolicy(1, Duration.ofMillis(1), Duration.ofSeconds(5));

  private final FakeRepo repo =
      FakeRepo.model("flora/tiny").file("config.json", "{}").noise(WEIGHTS, 200_000);
  private final FakeHub hub = FakeHub.start(0, "/huggingface-proxy").add(repo);
  private final HubNetwork network =
      new HubNetwork(HubSettings.of(hub.endpoint()), Clock.systemUTC());
  private final HubClient client = new HubClient(site(Map.of(), ""), network, ONCE);

  private Site site(Map<String, Secret> headers, String token) {
    return new Site(
        "proxy",
        Site.Kind.HUGGINGFACE,
        hub.endpoint(),
        null,
        null,
        headers,
        new Secret(token),
        Set.of("127.0.0.1:" + hub.endpoint().getPort()),
        URI.create("https://hub.example/hf"),
        Map.of(),
        Map.of());
  }

  @AfterEach
  void stop() {
    network.close();
    hub.close();
  }

  private RepoListing listing() throws InterruptedException {
    return client.listing(RepoType.MODEL, TINY, "main");
  }

  private static HubFile weights(RepoListing listing) {
    return listing.file(WEIGHTS).orElseThrow();
  }

  private static byte[] range(HubClient of, RepoListing listing, int from, int to)
      throws InterruptedException {
    var bytes = new byte[to - from];
    try (var stream = of.open(listing, weights(listing), from, to)) {
      for (int at = 0, n; at < bytes.length; at += n) {
        n = stream.read(bytes, at, bytes.length - at);
        assertThat(n).isPositive();
      }
    }
    return bytes;
  }

  static List<Redirects> everyRedirect() {
    var all = new ArrayList<Redirects>();
    for (int status : new int[] {301, 302, 307, 308}) {
      all.add(Redirects.with(status));
      for (var style : Redirects.Style.values()) {
        all.add(Redirects.with(status).hops(3, style).metadataAt(2));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("everyRedirect")
  void followsEveryRedirectWithItsQuery(Redirects redirects) throws Exception {
    var listing = listing();
    hub.redirects(redirects);

    for (var file : listing.files()) {
      assertThat(client.read(listing, file)).hasSize((int) file.size());
    }
  }

  @Test
  void asksTheWayOnceForAllRangesOfAFile() throws Exception {
    var listing = listing();
    var whole = client.read(listing, weights(listing));
    hub.forget();

    for (int from = 0; from < 200_000; from += 50_000) {
      assertThat(range(client, listing, from, from + 50_000))
          .isEqualTo(Arrays.copyOfRange(whole, from, from + 50_000));
    }

    assertThat(hub.seen()).hasSize(4).allMatch(FakeHub.Seen::onContent);
  }

  @Test
  void asksTheWayAgainWhenASignedUrlHasExpired() throws Exception {
    var listing = listing();
    hub.expiry(Expiry.after(2));
    range(client, listing, 0, 10);
    range(client, listing, 10, 20);
    hub.forget();

    assertThat(range(client, listing, 20, 30)).hasSize(10);

    assertThat(hub.seen()).hasSize(3);
    assertThat(hub.seen().get(0).onContent()).isTrue();
    assertThat(hub.seen().get(1).uri().getPath()).contains("/resolve/");
  }

  @Test
  void neverFallsFromTlsToPlainTextNorShowsSecretsToOthers() throws Exception {
    var headers = Map.of("X-Mirror-Key", new Secret(SECRET));
    var stranger = FakeHub.start(0, "/huggingface-proxy").add(repo);
    try (stranger) {
      hub.redirects(Redirects.with(302).content(URI.create("http://localhost")));
      var knowing = new HubClient(site(headers, SECRET), network, ONCE);
      var listing = knowing.listing(RepoType.MODEL, TINY, "main");
      assertThat(hub.seen()).allMatch(seen -> ("Bearer " + SECRET).equals(seen.authorization()));
      hub.forget();

      knowing.read(listing, weights(listing));
      hub.fault(
          "/api/",
          new Fault.MovedTo(308, URI.create("http://127.0.0.1:" + stranger.endpoint().getPort())),
          Integer.MAX_VALUE);
      knowing.listing(RepoType.MODEL, TINY, "main");

      assertThat(hub.seen()).filteredOn(FakeHub.Seen::onContent).hasSize(1);
      assertThat(hub.seen())
          .filteredOn(FakeHub.Seen::onContent)
          .allMatch(seen -> seen.authorization() == null);
      assertThat(stranger.seen()).isNotEmpty().allMatch(seen -> seen.authorization() == null);
    }
  }

  static Stream<Arguments> whatIsNotTheFile() {
    return Stream.of(
        arguments(new Fault.Html(), "HTML"),
        arguments(new Fault.Pointer(), "pointer"),
        arguments(new Fault.WrongTotal(5), "200005"),
        arguments(new Fault.RefusedRange(), "200000"),
        arguments(new Fault.OtherRange(7), "range"));
  }

  @ParameterizedTest
  @MethodSource("whatIsNotTheFile")
  void namesWhatCameInPlaceOfTheFile(Fault fault, String named) throws Exception {
    var listing = listing();
    hub.fault(WEIGHTS, When.always(), fault);

    assertThatThrownBy(() -> range(client, listing, 100, 1100))
        .isInstanceOfAny(HubException.OtherFile.class, HubException.Protocol.class)
        .hasMessageContaining("proxy")
        .hasMessageContaining(named);
  }

  @Test
  void knowsAFileThatLacksItsEnd() throws Exception {
    var listing = listing();
    hub.fault(WEIGHTS, new Fault.Shortened(1000), 1);
    assertThatThrownBy(() -> client.read(listing, weights(listing)))
        .isInstanceOf(HubException.OtherFile.class)
        .hasMessageContaining("199000")
        .hasMessageContaining("200000");
    hub.fault(WEIGHTS, new Fault.Cut(1000), 1);
    assertThatThrownBy(() -> client.read(listing, weights(listing)))
        .isInstanceOf(HubException.Unreachable.class)
        .hasMessageContaining("proxy");
  }

  @Test
  void givesAllThatCameBeforeTheConnectionBroke() throws Exception {
    var listing = listing();
    var whole = client.read(listing, weights(listing));
    hub.fault(WEIGHTS, new Fault.Cut(1000), 1);
    var came = new byte[200_000];
    var position = new AtomicInteger();

    try (var stream = client.open(listing, weights(listing), 0, came.length)) {
      assertThatThrownBy(
              () -> {
                while (true) {
                  int n = stream.read(came, position.get(), came.length - position.get());
                  assertThat(n).isPositive();
                  position.addAndGet(n);
                }
              })
          .isInstanceOf(HubException.Unreachable.class);
      assertThat(stream.arrived()).isEqualTo(position.get());
    }

    assertThat(position).hasPositiveValue();
    assertThat(Arrays.copyOf(came, position.get())).isEqualTo(Arrays.copyOf(whole, position.get()));
  }

  static List<Fault> harmless() {
    return List.of(
        new Fault.NoCommit(),
        new Fault.NoLinks(),
        new Fault.NoEtag(),
        new Fault.NoLength(),
        new Fault.BareHeaders(),
        new Fault.IgnoredRange(),
        new Fault.RangeWithStatus200(),
        new Fault.WrongEtag("\"other\""),
        new Fault.WrongLinkedEtag("f".repeat(64)),
        new Fault.WrongLinkedSize(3));
  }

  @ParameterizedTest
  @MethodSource("harmless")
  void doesWithoutTheHeadersThatMirrorsForget(Fault fault) throws Exception {
    var listing = listing();
    var whole = client.read(listing, weights(listing));
    hub.fault(WEIGHTS, When.always(), fault);
    var fresh = new HubClient(site(Map.of(), ""), network, ONCE);

    assertThat(range(fresh, listing, 1000, 3000)).isEqualTo(Arrays.copyOfRange(whole, 1000, 3000));
    assertThat(Sha256.sum(fresh.read(listing, weights(listing))))
        .isEqualTo(weights(listing).sha256());
  }

  @Test
  void saysThatAHostIgnoresRanges() throws Exception {
    var listing = listing();
    try (var stream = client.open(listing, weights(listing), 0, 1000)) {
      assertThat(stream.isRangeIgnored()).isFalse();
    }
    hub.fault(WEIGHTS, new Fault.IgnoredRange(), 1);

    try (var stream = client.open(listing, weights(listing), 0, 1000)) {
      assertThat(stream.isRangeIgnored()).isTrue();
    }
  }

  @Test
  void staysBelowALimitThatIsAnnounced() throws Exception {
    hub.limit(RateLimit.of(RateLimit.Resource.API, 10, Duration.ofSeconds(2)));

    for (int i = 0; i < 15; i++) {
      assertThat(client.commit(RepoType.MODEL, TINY, "main")).isEqualTo(repo.commitOf("main"));
    }

    // fifteen and no more: none of them was refused and made again
    assertThat(hub.seen()).hasSize(15);
  }

  @ParameterizedTest
  @EnumSource(
      value = RateLimit.RetryAfter.class,
      names = {"SECONDS", "DATE"})
  void waitsForALimitThatWasNotAnnounced(RateLimit.RetryAfter form) throws Exception {
    var limit = RateLimit.of(RateLimit.Resource.API, 2, Duration.ofSeconds(1));
    hub.limit(limit.retryAfter(form).silent()).fault("", When.always(), new Fault.NameOnly());
    var patient =
        new HubClient(
            site(Map.of(), ""),
            network,
            new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(5)));

    for (int i = 0; i < 3; i++) {
      assertThat(patient.listing(RepoType.MODEL, TINY, "main").files()).hasSize(2);
    }

    // six answers and a refusal or two, not a storm of them
    assertThat(hub.seen()).hasSizeLessThanOrEqualTo(6 + 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {451, 403})
  void saysThatARepositoryIsWithheld(int status) {
    var headers =
        status == 451
            ? Map.<String, String>of()
            : Map.of("X-Error-Message", "Access to this resource is disabled.");
    hub.fault("/api/", new Fault.Status(status, headers), 1);

    assertThatThrownBy(this::listing)
        .isInstanceOf(HubException.Withheld.class)
        .hasMessageContaining("flora/tiny");
  }

  @Test
  void saysWhatTheTokenLacks() {
    var why = "Please enable access to public gated repositories in your token's settings";
    hub.fault("/api/", new Fault.Status(403, Map.of("X-Error-Message", why)), 2);
    var knowing = new HubClient(site(Map.of(), SECRET), network, ONCE);

    assertThatThrownBy(() -> knowing.listing(RepoType.MODEL, TINY, "main"))
        .isInstanceOfSatisfying(
            HubException.TokenRefused.class,
            e -> {
              assertThat(e).hasMessageContaining("flora/tiny").hasMessageEndingWith(why);
              assertThat(e.hint()).contains("permission");
            });
    // nobody's token can be to blame where none is sent: that may be a proxy on the way
    assertThatThrownBy(this::listing)
        .isInstanceOf(HubException.Protocol.class)
        .hasMessageContaining("403");
  }

  @Test
  void hasXetBackedFilesThroughThePlainBridge() throws Exception {
    hub.xet();
    var listing = listing();
    hub.forget();

    var bytes = client.read(listing, weights(listing));

    assertThat(Sha256.sum(bytes)).isEqualTo(weights(listing).sha256());
    assertThat(hub.seen()).hasSize(2);
    assertThat(hub.seen().getFirst().uri().getPath()).contains("/resolve/");
    assertThat(hub.seen().getLast().onContent()).isTrue();
  }

  /** A byte now and then: what takes no single wait of three seconds. */
  @Test
  void givesAHubThreeSecondsToBeginAndNotForEachByte() throws Exception {
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> send(server, "HTTP/1.1 200 OK\r\nX-Slow: ", "a".repeat(99)));
      long start = System.nanoTime();

      assertThatThrownBy(() -> commitAt(server))
          .isInstanceOf(HubException.Unreachable.class)
          .hasMessageContaining("in time");

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }
  }

  @Test
  void readsThePageOfAHubThatIsThereHoweverSlowItIs() throws Exception {
    var commit = "c".repeat(40);
    var page = "{\"sha\": \"%s\"}".formatted(commit);
    var head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n".formatted(page.length() + 17);
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      // 3.4 seconds of blanks, and then the page
      Thread.ofVirtual().start(() -> send(server, head, " ".repeat(17), page));

      assertThat(commitAt(server)).isEqualTo(commit);
    }
  }

  @Test
  void refusesAListThatHasNoSizeForAFile() throws Exception {
    var page =
        "{\"Data\": {\"Files\": [{\"Path\": \"a.bin\", \"Sha256\": \"%s\"}]}}"
            .formatted("a".repeat(64));
    var head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n".formatted(page.length());
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> send(server, head, "", page));
      var place = URI.create("http://127.0.0.1:" + server.getLocalPort());
      var site =
          new Site(
              "scope",
              Site.Kind.MODELSCOPE,
              place,
              null,
              null,
              Map.of(),
              new Secret(""),
              Set.of(),
              place,
              Map.of(),
              Map.of());

      assertThatThrownBy(
              () -> new HubClient(site, network, ONCE).listing(RepoType.MODEL, TINY, "main"))
          .isInstanceOf(HubException.Protocol.class)
          .hasMessageContaining("a.bin");
    }
  }

  private static String commitAt(ServerSocket server) throws InterruptedException {
    var slow = URI.create("http://127.0.0.1:" + server.getLocalPort());
    try (var hub = new HubClient(HubSettings.of(slow), ONCE, Clock.systemUTC())) {
      return hub.commit(RepoType.MODEL, TINY, "main");
    }
  }

  /** Sends the first at once, then the next byte by byte, then the rest at once. */
  private static void send(ServerSocket server, String first, String slowly, String... rest) {
    try (var socket = server.accept()) {
      var out = socket.getOutputStream();
      out.write(first.getBytes(US_ASCII));
      for (byte b : slowly.getBytes(US_ASCII)) {
        out.write(b);
        out.flush();
        Thread.sleep(200);
      }
      out.write(String.join("", rest).getBytes(US_ASCII));
      out.flush();
      Thread.sleep(1000);
    } catch (IOException | InterruptedException e) {
      // the client has hung up
    }
  }

  /** Whatever goes wrong: no message, hint or stack trace has a token or a signed query. */
  @Test
  void showsNoSecretWhateverGoesWrong() throws Exception {
    var knowing =
        new HubClient(site(Map.of("X-Mirror-Key", new Secret(SECRET)), SECRET), network, ONCE);
    var listing = knowing.listing(RepoType.MODEL, TINY, "main");
    var shown = new StringBuilder().append(site(Map.of(), SECRET)).append(knowing);
    var faults = new ArrayList<Fault>(whatIsNotTheFile().map(a -> (Fault) a.get()[0]).toList());
    faults.add(new Fault.Cut(10));
    int failures = 0;
    for (var fault : faults) {
      hub.behave().fault(WEIGHTS, When.always(), fault);
      failures += record(shown, () -> range(knowing, listing, 100, 1100));
    }
    hub.behave().expiry(Expiry.after(1));
    range(knowing, listing, 0, 10);
    for (int status : new int[] {400, 401, 403, 404, 410, 418, 429, 451, 500, 503}) {
      hub.behave().fault("/", new Fault.Status(status), Integer.MAX_VALUE);
      failures += record(shown, () -> range(knowing, listing, 0, 10));
      failures += record(shown, () -> knowing.listing(RepoType.MODEL, TINY, "main"));
    }
    hub.die();
    failures += record(shown, () -> range(knowing, listing, 0, 10));

    assertThat(failures).isGreaterThan(20);
    assertThat(shown.toString()).doesNotContain(SECRET, "sig=", "X-Amz", "Bearer");
  }

  private interface Call {
    void make() throws InterruptedException;
  }

  private static int record(StringBuilder shown, Call call) throws InterruptedException {
    try {
      call.make();
      return 0;
    } catch (AssertionError e) {
      return 1;
    } catch (HubException e) {
      var trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace));
      shown.append(trace).append(e.hint());
      return 1;
    }
  }
}
