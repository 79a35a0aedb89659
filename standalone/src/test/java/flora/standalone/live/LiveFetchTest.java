package flora.standalone.live;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Shape;
import flora.hub.HubSettings;
import flora.hub.Site;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.schemas.RepoReference;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LiveFetchTest {

  private static final RepoReference REPO = RepoReference.parse("tiny-research/tiny");

  private final List<FakeHub> hubs = new ArrayList<>();
  private final ByteArrayOutputStream transcript = new ByteArrayOutputStream();

  private FakeHub hub(FakeRepo repo) {
    var hub = FakeHub.start(0);
    hubs.add(hub);
    return hub.add(repo);
  }

  private FakeHub hub() {
    return hub(repo("tiny-research/tiny"));
  }

  private static FakeRepo repo(String id) {
    return FakeRepo.model(id)
        .file("config.json", "{\"tiny\": true}")
        .noise("model.safetensors", 300_000)
        .commit("main");
  }

  private FakeHub dead() {
    var hub = hub();
    hub.die();
    return hub;
  }

  @AfterEach
  void close() {
    hubs.forEach(FakeHub::close);
  }

  private static Mirror mirror(String name, Site.Kind kind, URI endpoint) {
    return new Mirror(
        name, kind, endpoint, null, null, Map.of(), null, Map.of(), Map.of(), 100, true, 16,
        List.of());
  }

  private int run(FakeHub origin, Mirror... others) throws InterruptedException {
    return run(Duration.ofSeconds(30), origin, others);
  }

  private int run(Duration limit, FakeHub origin, Mirror... others) throws InterruptedException {
    var store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    try (var mirrors =
            new Mirrors(
                MirrorProperties.of(others),
                HubSettings.of(origin.endpoint()),
                _ -> null,
                store,
                Clock.systemUTC(),
                LiveFetch.PATIENCE);
        var out = new PrintStream(transcript, true, StandardCharsets.UTF_8)) {
      return new LiveFetch(out, mirrors, Clock.systemUTC(), limit).run(_ -> Sample.whole(REPO));
    }
  }

  private String told() {
    return transcript.toString(StandardCharsets.UTF_8);
  }

  /** What the transcript says of one place. */
  private String told(String place) {
    var text = told();
    int from = text.indexOf("\n" + place + "  ");
    assertThat(from).as(text).isNotNegative();
    int to = text.indexOf("\n\n", from);
    return text.substring(from, to < 0 ? text.length() : to);
  }

  @Test
  void tellsOfEachPlaceWhatItGaveAndHowThatWasChecked() throws Exception {
    var good = hub();
    var scope = hub(repo("tiny-research/tiny")).shape(Shape.MODELSCOPE);

    int code =
        run(
            hub(),
            mirror("copy", Site.Kind.HUGGINGFACE, good.endpoint()),
            mirror("scope", Site.Kind.MODELSCOPE, scope.endpoint()));

    assertThat(code).as(told()).isEqualTo(Outcome.GOOD);
    assertThat(told("hub"))
        .contains("reachable   yes, after ")
        .containsPattern("config.json  14 bytes  sha256 [0-9a-f]{64}  checked by git-sha1")
        .containsPattern("model.safetensors  300000 bytes  sha256 .*checked by lfs-sha256")
        .contains("2 files, 300014 bytes in ")
        .contains("outcome     verified");
    assertThat(told("copy")).contains("the same bytes as before").contains("verified");
    assertThat(told("scope")).contains("the same bytes as before").contains("verified");
    assertThat(told()).contains("3 places: 3 verified, 0 unreachable, 0 refused, 0 faulty");
    assertThat(good.seen()).isNotEmpty();
  }

  @Test
  void onePlaceIsEnough() throws Exception {
    var good = hub();

    int code = run(dead(), mirror("copy", Site.Kind.HUGGINGFACE, good.endpoint()));

    assertThat(code).as(told()).isEqualTo(Outcome.GOOD);
    assertThat(told("hub"))
        .containsPattern("reachable   no, after [0-9.]+ s: .*cannot be reached")
        .contains("outcome     unreachable");
  }

  @Test
  void saysSoWhenNobodyCanBeReached() throws Exception {
    int code = run(dead(), mirror("copy", Site.Kind.HUGGINGFACE, dead().endpoint()));

    assertThat(code).as(told()).isEqualTo(Outcome.NOBODY);
    assertThat(told()).contains("2 places: 0 verified, 2 unreachable, 0 refused, 0 faulty");
  }

  @Test
  void wrongBytesAreAFaultWhateverTheOthersGive() throws Exception {
    var liar = hub();
    liar.fault("model.safetensors", new Fault.WrongByte(123_456), Integer.MAX_VALUE);

    int code = run(hub(), mirror("liar", Site.Kind.HUGGINGFACE, liar.endpoint()));

    assertThat(code).as(told()).isEqualTo(Outcome.BAD);
    assertThat(told("liar")).contains("fetched     no").contains("outcome     faulty");
    assertThat(told("hub")).contains("outcome     verified");
  }

  @Test
  void whatIsNotGivenIsNoFaultButNoSuccess() throws Exception {
    var other = hub(repo("somebody/else"));
    assertThat(run(other)).as(told()).isEqualTo(Outcome.BAD);
    assertThat(told("hub")).contains("has no repository").contains("outcome     refused");
    transcript.reset();

    assertThat(run(hub(), mirror("other", Site.Kind.HUGGINGFACE, other.endpoint())))
        .as(told())
        .isEqualTo(Outcome.GOOD);
  }

  @Test
  void aPageInPlaceOfAHubIsAFault() throws Exception {
    var portal = hub();
    portal.fault("/api/", new Fault.Status(200), Integer.MAX_VALUE);

    assertThat(run(portal)).as(told()).isEqualTo(Outcome.BAD);
    assertThat(told("hub")).contains("outcome     faulty");
  }

  @Test
  void goesOnAfterOneThatNeverEnds() throws Exception {
    var silent = hub();
    silent.fault("/api/", new Fault.BlackHole(), Integer.MAX_VALUE);
    var good = hub();

    int code =
        run(Duration.ofSeconds(1), silent, mirror("copy", Site.Kind.HUGGINGFACE, good.endpoint()));

    assertThat(code).as(told()).isEqualTo(Outcome.GOOD);
    assertThat(told("hub")).contains("no end within 1 s").contains("unreachable");
  }

  @Test
  void takesNothingLarge() throws Exception {
    var large = hub(FakeRepo.model("tiny-research/tiny").noise("w", 1L << 30).commit("main"));

    assertThat(run(large)).isEqualTo(Outcome.BAD);
    assertThat(told("hub")).contains("no tiny repository");
    assertThat(large.bytesSent("w")).isZero();
  }
}
