package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Throttle;
import flora.fakehub.When;
import flora.schemas.fetch.FetchEvent.SourceShare;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sources show a piece of a large file before they may give it. */
@Timeout(60)
class TrialTest {

  private static final String FILE = "model.safetensors";
  private static final long SIZE = 10L * DownloadSettings.PART + 99;
  private static final FakeRepo REPO = FakeRepo.model("flora/trial").noise(FILE, SIZE);
  private static final long EVERY_MIB = 1 << 20;

  private final List<Rig> rigs = new ArrayList<>();
  private final Rig.Told told = new Rig.Told();

  @AfterEach
  void stop() {
    rigs.forEach(Rig::close);
  }

  /** Each of them so slow that all have time to join in. */
  private Rig rig(int mirrors) {
    var rig = new Rig(new MemoryObjectStore(Clock.systemUTC()), REPO, mirrors);
    rig.hubs.forEach(hub -> hub.throttle(Throttle.NONE.link(32 << 20)));
    rigs.add(rig);
    return rig;
  }

  private void isRight(Rig rig) {
    assertThat(rig.isMarked(FILE)).isTrue();
    assertThat(rig.stored(FILE)).isEqualTo(rig.digest(FILE));
    assertThat(told.progress.getLast().done()).isEqualTo(SIZE);
  }

  /** Bytes that a source gave. */
  private long gave(String source) {
    return told.progress.getLast().sources().stream()
        .filter(share -> share.name().equals(source))
        .mapToLong(SourceShare::bytes)
        .sum();
  }

  @Test
  void takesNothingFromAMirrorThatShowsSomethingElse() throws Exception {
    var rig = rig(1);
    rig.hub(1).fault(FILE, When.always(), new Fault.WrongBytes(EVERY_MIB));

    rig.fetch(told);

    isRight(rig);
    assertThat(gave("m1")).isEqualTo(Trial.SIZE);
    assertThat(gave(Rig.HUB)).isEqualTo(SIZE + Trial.SIZE);
    assertThat(told.liars).containsExactly("m1");
  }

  @Test
  void takesFromAllThatShowTheSame() throws Exception {
    var rig = rig(2);

    rig.fetch(told);

    isRight(rig);
    assertThat(told.liars).isEmpty();
    assertThat(List.of(Rig.HUB, "m1", "m2")).allMatch(source -> gave(source) > SIZE / 8);
  }

  @Test
  void believesTwoRatherThanTheOneThatListsTheFile() throws Exception {
    var rig = rig(2);
    rig.hub(0)
        .throttle(Throttle.NONE.link(4 << 20)) // too slow to give much before the others show
        .fault(FILE, When.always(), new Fault.WrongBytes(EVERY_MIB));

    rig.fetch(told);

    isRight(rig);
    assertThat(told.liars).containsExactly(Rig.HUB);
    assertThat(gave(Rig.HUB)).as("what it gave until the others had shown").isLessThan(SIZE / 2);
  }

  @Test
  void doesNotWaitForAPlaceThatListsAndGivesNothing() throws Exception {
    var rig = rig(2);
    rig.hub(0).fault(FILE, When.always(), new Fault.BlackHole());

    rig.fetch(told);

    isRight(rig);
    assertThat(List.of("m1", "m2")).allMatch(source -> gave(source) > SIZE / 8);
  }

  @Test
  void takesTheWholeFromWhoKnowsNoRangesAndIsAlone() throws Exception {
    var rig = rig(1);
    rig.hub(0).fault(FILE, When.always(), new Fault.BlackHole());
    rig.hub(1).fault(FILE, When.always(), new Fault.IgnoredRange());

    rig.fetch(told);

    isRight(rig);
  }

  @Test
  void takesWrongBytesOnlyWhereThereIsNobodyElseAndThenSaysSo() throws Exception {
    var rig = rig(1);
    rig.hub(0).fault(FILE, When.always(), new Fault.Cut(12 << 20));
    rig.hub(1).fault(FILE, When.always(), new Fault.WrongBytes(EVERY_MIB));

    rig.fetch(told);

    isRight(rig);
    assertThat(told.liars).containsExactly("m1");
  }

  @Test
  void asksOnlyOnceWhatHasProvedRight() throws Exception {
    var rig = rig(1);
    var other = FakeRepo.model("flora/trial-again").noise("again.safetensors", SIZE);
    rig.hubs.forEach(hub -> hub.add(other));
    var downloader = rig.downloader();
    downloader.run(List.of(rig.plan()), told);

    downloader.run(List.of(rig.plan(other)), told);

    assertThat(told.received()).as("no piece is shown").isEqualTo(SIZE);
  }
}
