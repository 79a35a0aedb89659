package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import flora.fakehub.Expiry;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.RateLimit;
import flora.fakehub.Throttle;
import flora.fakehub.When;
import flora.hub.HubException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each fault alone, through the engine. */
class FaultsTest {

  private static final String LARGE = "model.safetensors";
  private static final String SMALL = "merges.txt";
  private static final FakeRepo REPO =
      FakeRepo.model("flora/faulty")
          .noise(LARGE, DownloadSettings.PART + 3_000_000L)
          .noise(SMALL, 100_000)
          .commit("main");
  private static final long LENGTH = DownloadSettings.PART + 3_100_000L;

  private final Rig.Told told = new Rig.Told();
  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Rig rig = new Rig(store, REPO, 1);
  private final Rig alone = new Rig(store, REPO, 0);

  @AfterEach
  void stop() {
    rig.close();
    alone.close();
  }

  private static void misbehave(Rig rig, int hub, Fault fault, When when) {
    for (var path : List.of(LARGE, SMALL)) {
      rig.hub(hub).fault(fault instanceof Fault.OnRequest ? "/resolve/" : path, when, fault);
    }
  }

  private void everythingIsRight() {
    for (var path : List.of(LARGE, SMALL)) {
      assertThat(rig.isMarked(path)).isTrue();
      assertThat(rig.stored(path)).isEqualTo(rig.digest(path));
    }
    assertThat(rig.openUploads()).isZero();
    assertThat(rig.keys(StoreLayout.UPLOADS)).isEmpty();
    assertThat(told.progress.getLast().done()).isEqualTo(LENGTH);
  }

  /** Nothing that the only source does in this way keeps anybody from its files. */
  static Stream<Fault> odd() {
    return Stream.of(
        new Fault.Late(Duration.ofMillis(300)),
        new Fault.NoCommit(),
        new Fault.NoLinks(),
        new Fault.WrongLinkedSize(1),
        new Fault.WrongLinkedEtag("\"another\""),
        new Fault.BareHeaders(),
        new Fault.NoLength(),
        new Fault.NoEtag(),
        new Fault.WrongEtag("\"another\""),
        new Fault.IgnoredRange(),
        new Fault.RangeWithStatus200(),
        new Fault.Cut(1_500_000),
        new Fault.Slow(1_000_000));
  }

  @ParameterizedTest
  @MethodSource("odd")
  void livesWith(Fault fault) throws Exception {
    misbehave(alone, 0, fault, When.always());

    alone.fetch(told);

    everythingIsRight();
    assertThat(told.liars).isEmpty();
  }

  /** What the only source must not do for ever, and what is said of it then. */
  static Stream<Arguments> fatal() {
    return Stream.of(
        arguments(new Fault.Status(503), ErrorCode.HUB_UNREACHABLE, "503"),
        arguments(
            new Fault.Status(429, Map.of("Retry-After", "1")),
            ErrorCode.HUB_RATE_LIMITED,
            "limits the rate"),
        arguments(new Fault.BlackHole(), ErrorCode.HUB_UNREACHABLE, "no byte within"),
        arguments(new Fault.HangUp(), ErrorCode.HUB_UNREACHABLE, "cannot be reached"),
        arguments(new Fault.Cut(10), ErrorCode.HUB_UNREACHABLE, "cannot be reached"),
        arguments(Fault.Stall.forEver(10), ErrorCode.HUB_UNREACHABLE, "bytes a second"),
        arguments(new Fault.Slow(100), ErrorCode.HUB_UNREACHABLE, "bytes a second"),
        arguments(new Fault.WrongBytes(1000), ErrorCode.CHECKSUM_MISMATCH, "expected"),
        arguments(new Fault.Shortened(1000), ErrorCode.HUB_PROTOCOL, "byte"),
        arguments(new Fault.WrongTotal(1), ErrorCode.HUB_PROTOCOL, "bytes there"),
        arguments(new Fault.TooLongLength(10), ErrorCode.HUB_PROTOCOL, ""),
        arguments(new Fault.Html(), ErrorCode.HUB_PROTOCOL, "an HTML page"),
        arguments(new Fault.Pointer(), ErrorCode.HUB_PROTOCOL, "pointer of a large file"),
        arguments(new Fault.RefusedRange(), ErrorCode.HUB_PROTOCOL, ""),
        arguments(new Fault.OtherRange(5), ErrorCode.HUB_PROTOCOL, "another range"));
  }

  @ParameterizedTest
  @MethodSource("fatal")
  void failsAndSaysWhy(Fault fault, ErrorCode code, String message) {
    misbehave(alone, 0, fault, When.always());

    assertThatThrownBy(() -> alone.fetch(told))
        .isInstanceOfSatisfying(PipelineException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining(message)
        .hasMessageContaining(Rig.HUB);
  }

  @ParameterizedTest
  @MethodSource("fatal")
  void getsOverItWhenItPasses(Fault fault, ErrorCode code, String message) throws Exception {
    misbehave(alone, 0, fault, When.times(1));

    alone.fetch(told);

    everythingIsRight();
  }

  @ParameterizedTest
  @MethodSource("fatal")
  void takesAnotherSource(Fault fault, ErrorCode code, String message) throws Exception {
    misbehave(rig, 1, fault, When.always());
    if (code == ErrorCode.CHECKSUM_MISMATCH) {
      // who lies is to be asked: the other one lets it overtake
      rig.hub(0).throttle(Throttle.NONE.latency(Duration.ofMillis(300)));
    }

    rig.fetch(told);

    everythingIsRight();
    if (code == ErrorCode.CHECKSUM_MISMATCH) {
      assertThat(told.liars).containsOnly("m1");
    } else {
      assertThat(told.liars).isEmpty();
    }
  }

  @Test
  void saysThatTheOnlySourceLacksAFile() {
    misbehave(alone, 0, new Fault.Status(404), When.always());

    assertThatThrownBy(() -> alone.fetch(told))
        .isInstanceOf(HubException.EntryNotFound.class)
        .hasMessageContaining(Rig.HUB + " does not have ");
  }

  @Test
  void takesWhatOneMirrorLacksFromTheOther() throws Exception {
    misbehave(rig, 0, new Fault.Status(404), When.always());

    rig.fetch(told);

    everythingIsRight();
  }

  @Test
  void namesEverySourceAndItsReasonWhenNoneIsLeft() {
    misbehave(rig, 0, new Fault.WrongBytes(1000), When.always());
    misbehave(rig, 1, new Fault.Html(), When.always());

    assertThatThrownBy(() -> rig.fetch(told))
        .isInstanceOf(PipelineException.class)
        .hasMessageContaining(Rig.HUB)
        .satisfies(
            e -> {
              if (e instanceof TransferException.AllFailed) {
                assertThat(e).hasMessageContaining("wrong bytes").hasMessageContaining("m1");
              }
            });
    assertThat(told.liars).containsOnly(Rig.HUB);
  }

  @Test
  void overtakesAConnectionThatIsSlowerThanTheOthers() throws Exception {
    // not slow enough to be given up: alone it would take minutes
    alone.hub(0).fault(LARGE, new Fault.Slow(40_000), 1);
    long start = System.nanoTime();

    alone.fetch(told);

    everythingIsRight();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
  }

  @Test
  void opensMoreConnectionsWhileTheyBringMore() throws Exception {
    alone.hub(0).throttle(Throttle.NONE.connection(600_000));

    alone.fetch(told);

    everythingIsRight();
    assertThat(alone.hub(0).mostConnections()).isBetween(8, 17);
  }

  @Test
  void asksForTheWayAgainWhenASignedUrlHasExpired() throws Exception {
    alone.hub(0).expiry(Expiry.after(Duration.ofMillis(600))).throttle(Throttle.NONE.link(4 << 20));

    alone.fetch(told);

    everythingIsRight();
  }

  @Test
  void keepsBelowTheRateThatTheHubAllows() throws Exception {
    alone.hub(0).limit(RateLimit.of(RateLimit.Resource.RESOLVERS, 4, Duration.ofSeconds(1)));

    alone.fetch(told);

    everythingIsRight();
  }

  @Test
  void readsALargeFileOnceFromASourceThatIgnoresRanges() throws Exception {
    var size = 4L * DownloadSettings.PART;
    var repo = FakeRepo.model("flora/whole").noise(LARGE, size).commit("main");
    try (var whole = new Rig(store, repo, 0)) {
      // what lies before the last part alone takes longer than anybody waits for a first byte
      whole.hub(0).fault(LARGE, When.always(), new Fault.IgnoredRange());
      whole.hub(0).throttle(Throttle.NONE.link(12 << 20));

      whole.fetch(told);

      assertThat(whole.stored(LARGE)).isEqualTo(whole.digest(LARGE));
      assertThat(whole.hub(0).bytesSent(LARGE)).isLessThan(2 * size);
    }
  }

  @Test
  void waitsForItsTurnsWhileFewAreLeft() throws Exception {
    var repo = FakeRepo.model("flora/many");
    for (int i = 0; i < 14; i++) {
      repo.noise("%02d.bin".formatted(i), 1000);
    }
    try (var many = new Rig(store, repo, 0)) {
      // the last two of the ten are spread over seconds, more than anybody waits for a first byte
      many.hub(0).limit(RateLimit.of(RateLimit.Resource.RESOLVERS, 10, Duration.ofSeconds(5)));

      many.fetch(told);

      assertThat(repo.paths()).allMatch(many::isMarked);
    }
  }
}
