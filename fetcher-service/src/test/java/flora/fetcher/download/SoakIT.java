package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Shape;
import flora.fetcher.Stores;
import flora.fetcher.download.Instance.Source;
import flora.hub.Site;
import flora.store.ObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two hundred downloads from a hub and three mirrors that misbehave in every way, by instances that
 * are killed, put to sleep or lose their store. What is published is right at every moment, all of
 * it is published in the end, and nothing is left behind.
 */
class SoakIT {

  private static final int DOWNLOADS = 200;
  private static final int REPOSITORIES = 110;
  private static final int AT_ONCE = 10;
  private static final int MOST_ATTEMPTS = 25;
  private static final String IN_GIT = "merges.txt";
  private static final Duration SILENCE = Duration.ofSeconds(3);
  private static final Duration LONGEST = Duration.ofMinutes(4);

  private static final long SEED = Long.getLong("flora.soak.seed", 20_260_718L);

  private record Download(int number, FakeRepo repo, int attempt) {}

  @TempDir Path folder;

  private final Map<Integer, String> published = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> failures = new ConcurrentHashMap<>();
  private final AtomicReference<Throwable> broken = new AtomicReference<>();
  private final CountDownLatch left = new CountDownLatch(DOWNLOADS);

  @Test
  void everyDownloadEndsWithTheRightBytesWhateverHappens() throws Exception {
    System.out.println("soak: -Dflora.soak.seed=" + SEED);
    var random = new Random(SEED);
    var repos = repos(random);
    long start = System.nanoTime();
    try (var s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
        var store = Stores.connect(s3);
        var hub = FakeHub.start(0);
        var mirror = FakeHub.start(0, "/hf");
        var university = FakeHub.start(0).shape(Shape.PLAIN_FILES);
        var scope = FakeHub.start(0).shape(Shape.MODELSCOPE)) {
      var hubs = List.of(hub, mirror, university, scope);
      var storm = new Storm(random.nextLong());
      for (var one : hubs) {
        repos.forEach(one::add);
        storm.over(one, one == hub ? mirror.endpoint() : hub.endpoint());
      }
      var sources =
          List.of(
              Source.hub(hub.endpoint()),
              Source.hub(mirror.endpoint()),
              new Source(Site.Kind.FILES, university.endpoint()),
              new Source(Site.Kind.MODELSCOPE, scope.endpoint()));
      var log = Path.of("target", "soak-workers.log");
      var processes =
          List.of(
              new Crew.OfProcesses(s3, SILENCE, sources, log),
              new Crew.OfProcesses(s3, SILENCE, sources, log));
      var mortals =
          List.of(
              new Crew.OfInstances(store, SILENCE, sources, new Random(random.nextLong())),
              new Crew.OfInstances(store, SILENCE, sources, new Random(random.nextLong())));
      var remains = new Remains(store);
      var seen = new HashSet<String>();
      var over = new AtomicBoolean();
      var members = new ArrayList<Crew.Member>(processes);
      members.addAll(mortals);
      var trouble = new Trouble(processes, hubs, new Random(random.nextLong()));
      var downloads = downloads(repos, random);
      try (var crew = new Crew(members)) {
        var guard = background(over, () -> remains.requireRight(seen), Duration.ofMillis(300));
        var storms = background(over, trouble::some, Duration.ofMillis(1200));
        work(crew, downloads, new Random(random.nextLong()));
        boolean isDone = left.await(LONGEST.toSeconds(), TimeUnit.SECONDS);
        over.set(true);
        guard.join();
        storms.join();
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            "soak: %d of %d in %.1f s; %s; %d stores lost; failures %s; bytes %s%n",
            published.size(),
            DOWNLOADS,
            seconds,
            trouble,
            mortals.stream().mapToInt(Crew.OfInstances::deaths).sum(),
            new LinkedHashMap<>(failures),
            hubs.stream().map(one -> one.bytesSent("")).toList());
        assertThat(broken.get()).as("what went wrong on the way").isNull();
        assertThat(isDone).as("all done").isTrue();
        for (var one : processes) {
          await()
              .atMost(Duration.ofSeconds(30))
              .untilAsserted(() -> assertThat(one.threads()).as("threads of an engine").isZero());
        }
      }
      await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(500))
          .untilAsserted(
              () -> {
                mortals.forEach(Crew.Member::close);
                assertThat(hubs).extracting(FakeHub::openConnections).containsOnly(0);
              });
      for (var download : downloads) {
        remains.requirePublished(download.repo(), published.get(download.number()));
      }
      remains.requireThatWhatCountsIsRight();
      remains.requireNothingBegunBut(namedTwice(repos));
      sweepAfterDays(store);
      remains.requireNothingLeftOver();
      assertThat(trouble.kills()).isGreaterThanOrEqualTo(2);
    }
  }

  /**
   * Ids of large files that lie in git. A hub lists them by their git id and others by their
   * digest: whoever falls with one of the two leaves a state that those with the other do not see.
   */
  private static Set<String> namedTwice(List<FakeRepo> repos) {
    var ids = new HashSet<String>();
    for (var repo : repos) {
      for (var path : repo.paths()) {
        if (path.endsWith(IN_GIT)) {
          ids.add(repo.gitSha1(path));
          ids.add(repo.sha256(path));
        }
      }
    }
    return ids;
  }

  private static void sweepAfterDays(ObjectStore store) {
    var later = DownloadSettings.DEFAULT.leftOverAge().plusDays(1);
    var clock = Clock.offset(Clock.systemUTC(), later);
    try (var leftOvers = new LeftOvers(store, DownloadSettings.DEFAULT, clock)) {
      leftOvers.sweep();
    }
  }

  /** Small and large, few files and many; some bytes are in several. */
  private static List<FakeRepo> repos(Random random) {
    var repos = new ArrayList<FakeRepo>();
    for (int i = 0; i < REPOSITORIES; i++) {
      var repo = FakeRepo.model("flora/soak-" + i).file("config.json", "{\"n\":" + i + "}");
      int files = random.nextInt(8);
      for (int f = 0; f < files; f++) {
        repo.noise(i + "/part-" + f + ".json", 1 + random.nextInt(f == 0 ? 2_000_000 : 30_000));
      }
      if (random.nextInt(3) == 0) {
        repo.noise("shared/tokenizer-" + random.nextInt(5) + ".json", 200_000);
      }
      if (random.nextInt(4) == 0) {
        repo.noise(i + "/model.safetensors", (8 << 20) + 1 + random.nextInt(9 << 20));
      }
      if (random.nextInt(10) == 0) {
        repo.noise("shared/model-" + random.nextInt(3) + ".safetensors", 19 << 20);
      }
      if (random.nextInt(20) == 0) {
        repo.noise(i + "/" + IN_GIT, (8 << 20) + 1 + random.nextInt(1 << 20));
      }
      if (random.nextInt(8) == 0) {
        repo.file(i + "/empty.txt", "");
      }
      repos.add(repo.commit("main"));
    }
    return repos;
  }

  private static List<Download> downloads(List<FakeRepo> repos, Random random) {
    var downloads = new ArrayList<Download>();
    for (int i = 0; i < DOWNLOADS; i++) {
      int repo = i < repos.size() ? i : random.nextInt(repos.size());
      downloads.add(new Download(i, repos.get(repo), 1));
    }
    Collections.shuffle(downloads, random);
    return downloads;
  }

  /** Hands downloads out; what somebody has not finished somebody else gets. */
  private void work(Crew crew, List<Download> downloads, Random random) {
    BlockingQueue<Download> queue = new LinkedBlockingQueue<>(downloads);
    for (int i = 0; i < AT_ONCE; i++) {
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  while (left.getCount() > 0 && broken.get() == null) {
                    var download = queue.poll(100, TimeUnit.MILLISECONDS);
                    if (download != null) {
                      attempt(crew.any(random), download, queue);
                    }
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                } catch (Throwable e) {
                  breakOff(e);
                }
              });
    }
  }

  private void attempt(Crew.Member member, Download download, BlockingQueue<Download> queue)
      throws InterruptedException {
    try {
      var key = member.fetch(download.repo().id());
      assertThat(published.put(download.number(), key)).isNull();
      left.countDown();
    } catch (Crew.Fallen e) {
      count(e);
      if (download.attempt() >= MOST_ATTEMPTS) {
        breakOff(new AssertionError(download.repo().id() + " is never done: " + e.getMessage(), e));
      }
      queue.add(new Download(download.number(), download.repo(), download.attempt() + 1));
    }
  }

  private void count(Crew.Fallen e) {
    var why = String.valueOf(e.getMessage()).replaceAll("[0-9a-f]{12,}|[0-9]+", "#");
    failures
        .computeIfAbsent(why.substring(0, Math.min(150, why.length())), _ -> new AtomicInteger())
        .incrementAndGet();
  }

  private void breakOff(Throwable e) {
    broken.compareAndSet(null, e);
    while (left.getCount() > 0) {
      left.countDown();
    }
  }

  private interface Deed {
    void done() throws Exception;
  }

  private Thread background(AtomicBoolean over, Deed deed, Duration pause) {
    return Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (!over.get()) {
                  deed.done();
                  Thread.sleep(pause);
                }
              } catch (Throwable e) {
                breakOff(e);
              }
            });
  }
}
