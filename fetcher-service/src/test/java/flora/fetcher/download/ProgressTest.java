package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.fakehub.Throttle;
import flora.schemas.fetch.FetchEvent.Bottleneck;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgressTest {

  private static final long SIZE = 3L * DownloadSettings.PART;
  private static final FakeRepo REPO =
      FakeRepo.model("flora/measured").noise("model.safetensors", SIZE).commit("main");

  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Rig.Told told = new Rig.Told();
  private @Nullable Rig rig;

  @AfterEach
  void stop() {
    if (rig != null) {
      rig.close();
    }
  }

  private Rig rig(ObjectStore with, int mirrors) {
    rig = new Rig(with, REPO, mirrors);
    return rig;
  }

  /** What was said most often once a second had been measured. */
  private Bottleneck bottleneck() {
    var said = told.progress.stream().skip(5).map(Progress::bottleneck).toList();
    return List.of(Bottleneck.values()).stream()
        .max((a, b) -> Long.compare(count(said, a), count(said, b)))
        .orElseThrow();
  }

  private static long count(List<Bottleneck> said, Bottleneck one) {
    return said.stream().filter(one::equals).count();
  }

  private Progress halfway() {
    return told.progress.stream().filter(p -> p.done() > SIZE / 2).findFirst().orElseThrow();
  }

  @Test
  void saysThatTheSourceIsSlowWhereEveryConnectionBringsTheSame() throws Exception {
    var rig = rig(store, 0);
    rig.hub(0).throttle(Throttle.NONE.connection(400_000));

    rig.fetch(told);

    assertThat(bottleneck()).isEqualTo(Bottleneck.SOURCE);
    var half = halfway();
    assertThat(half.bytesPerSecond()).isBetween(1_000_000L, 16 * 400_000L * 5 / 4);
    assertThat(half.linkBytesPerSecond()).isGreaterThanOrEqualTo(half.bytesPerSecond());
    assertThat(half.etaSeconds()).isBetween(1L, 60L);
    assertThat(half.sources())
        .singleElement()
        .satisfies(
            share -> {
              assertThat(share.name()).isEqualTo(Rig.HUB);
              assertThat(share.bytes()).isEqualTo(half.done());
              assertThat(share.connections()).isBetween(4, 16);
            });
  }

  @Test
  void saysThatTheLinkIsFullWhereMoreConnectionsBringNoMore() throws Exception {
    var rig = rig(store, 0);
    rig.hub(0).throttle(Throttle.NONE.link(5_000_000));

    rig.fetch(told);

    assertThat(bottleneck()).isEqualTo(Bottleneck.LINK);
    assertThat(halfway().linkBytesPerSecond()).isBetween(3_000_000L, 8_000_000L);
  }

  @Test
  void saysThatTheStoreIsSlowWhereCompletePartsWaitForIt() throws Exception {
    var slow =
        TamperedStore.of(
            store,
            (method, _) -> {
              if (method.equals("part")) {
                Thread.sleep(2000);
              }
            });

    rig(slow, 0).fetch(told);

    assertThat(bottleneck()).isEqualTo(Bottleneck.DISK);
  }

  @Test
  void tellsWhatEachSourceGives() throws Exception {
    var rig = rig(store, 1);
    rig.hub(0).throttle(Throttle.NONE.link(8_000_000));
    rig.hub(1).throttle(Throttle.NONE.link(4_000_000));

    rig.fetch(told);

    var last = told.progress.getLast();
    assertThat(last.done()).isEqualTo(SIZE);
    assertThat(last.sources()).hasSize(2);
    assertThat(last.sources().stream().mapToLong(s -> s.bytes()).sum()).isEqualTo(SIZE);
    assertThat(last.sources().getFirst().bytes()).isGreaterThan(last.sources().getLast().bytes());
  }
}
