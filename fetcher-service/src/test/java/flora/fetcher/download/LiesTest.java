package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.When;
import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.RepoListing;
import flora.hub.plan.DownloadPlan;
import flora.hub.plan.PlannedDownload;
import flora.schemas.fetch.RepoRole;
import flora.store.memory.MemoryObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a source says of itself may be anything; it costs that source, and nobody else. */
@Timeout(60)
class LiesTest {

  private static final String LARGE = "model.safetensors";
  private static final String SMALL = "merges.txt";
  private static final FakeRepo REPO =
      FakeRepo.model("flora/lies")
          .noise(LARGE, DownloadSettings.PART + 100_000L)
          .noise(SMALL, 100_000)
          .commit("main");

  private final Rig.Told told = new Rig.Told();
  private final Rig rig = new Rig(new MemoryObjectStore(Clock.systemUTC()), REPO, 1);
  private final Rig alone = new Rig(new MemoryObjectStore(Clock.systemUTC()), REPO, 0);

  @AfterEach
  void stop() {
    rig.close();
    alone.close();
  }

  /** The copies of a repository, where this comes before each request to one of the places. */
  private static RepoCopies copies(RepoCopies of, String place, Runnable beforeOpening) {
    return new RepoCopies() {
      @Override
      public RepoListing listing() {
        return of.listing();
      }

      @Override
      public List<FileSource> sources(HubFile file) {
        return of.sources(file).stream()
            .map(one -> one.name().equals(place) ? source(one, beforeOpening) : one)
            .toList();
      }
    };
  }

  private static FileSource source(FileSource of, Runnable beforeOpening) {
    return (FileSource)
        Proxy.newProxyInstance(
            LiesTest.class.getClassLoader(),
            new Class<?>[] {FileSource.class},
            (_, method, arguments) -> {
              if (method.getName().equals("open")) {
                beforeOpening.run();
              }
              try {
                return method.invoke(of, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void endsWhenASourceAsksToBeLeftAloneForThousandsOfYears() throws Exception {
    var downloader = alone.downloader();
    var plan = alone.plan();
    alone
        .hub(0)
        .fault(
            "/resolve/",
            When.always(),
            new Fault.Status(429, Map.of("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")));

    assertThatThrownBy(() -> downloader.run(List.of(plan), told))
        .isInstanceOf(HubException.RateLimited.class);
  }

  @Test
  void keepsASourceForTheNextDownloadWhenAConnectionDies() throws Exception {
    var downloader = alone.downloader();
    var plan = alone.plan();
    var isOut = new AtomicBoolean(true);
    var copies =
        copies(
            plan.copies(),
            Rig.HUB,
            () -> {
              if (isOut.get()) {
                throw new OutOfMemoryError("none is left");
              }
            });
    var download = new PlannedDownload(plan.plan(), copies);
    for (int i = 0; i < 6; i++) {
      assertThat(catchThrowable(() -> downloader.run(List.of(download), told)))
          .hasStackTraceContaining("none is left");
    }

    isOut.set(false);
    downloader.run(List.of(download), told);

    assertThat(alone.stored(LARGE)).isEqualTo(alone.digest(LARGE));
    assertThat(told.progress.getLast().sources())
        .allSatisfy(share -> assertThat(share.connections()).isBetween(0, 16));
  }

  @Test
  void claimsNoMemoryForWhatCannotBeAllocated() {
    var buffers = new PartBuffers(1000);

    assertThat(buffers.tryClaim(500)).hasSize(500);
    assertThat(catchThrowable(() -> buffers.tryClaim(-1))).isNotNull();

    assertThat(buffers.tryClaim(501)).isNull();
    assertThat(buffers.tryClaim(500)).hasSize(500);
  }

  @Test
  void refusesAnEmptyFileWithTheDigestOfAnother() throws Exception {
    var plan = alone.plan();
    var listing = plan.plan().listing();
    var empty = new HubFile("empty.bin", 0, "0".repeat(40), alone.digest(SMALL));
    var files =
        new DownloadPlan(RepoRole.BASE_MODEL, listing, List.of(empty), List.of(), List.of());

    assertThatThrownBy(
            () -> alone.downloader().run(List.of(new PlannedDownload(files, plan.copies())), told))
        .isInstanceOf(TransferException.ChecksumMismatch.class)
        .hasMessageContaining("empty.bin");
  }

  @Test
  void takesAnotherSourceForOneWhoseRangesAreBeyondAllNumbers() throws Exception {
    rig.hub(0)
        .fault(
            "/resolve/",
            When.always(),
            new Fault.Status(206, Map.of("Content-Range", "bytes 0-8388607/99999999999999999999")));

    rig.fetch(told);

    assertThat(rig.stored(LARGE)).isEqualTo(rig.digest(LARGE));
    assertThat(rig.stored(SMALL)).isEqualTo(rig.digest(SMALL));
  }

  @Test
  void takesAnotherSourceForOneWhoseAnswerNobodyExpected() throws Exception {
    var plan = rig.plan();
    var copies =
        copies(
            plan.copies(),
            Rig.HUB,
            () -> {
              throw new IllegalArgumentException("an odd header");
            });

    rig.downloader().run(List.of(new PlannedDownload(plan.plan(), copies)), told);

    assertThat(rig.stored(LARGE)).isEqualTo(rig.digest(LARGE));
  }
}
