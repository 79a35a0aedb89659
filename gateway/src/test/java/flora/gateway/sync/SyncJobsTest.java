package flora.gateway.sync;

import static org.assertj.core.api.Assertions.assertThat;

import flora.gateway.GatewayProperties;
import flora.schemas.RepoReference;
import flora.schemas.RunId;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class SyncJobsTest {

  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
  private static final RepoReference REPO = RepoReference.parse("flora/followed");
  private static final String COMMIT = "c".repeat(40);

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final SyncJobs jobs = new SyncJobs(store, Clock.fixed(NOON, ZoneOffset.UTC));

  @BeforeEach
  void buckets() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private static GatewayProperties.Sync settings(String... namesAndValues) {
    var all = new HashMap<>(Map.of("gateway.sync[0].repo", REPO.repo().value()));
    for (int i = 0; i < namesAndValues.length; i += 2) {
      all.put("gateway.sync[0]." + namesAndValues[i], namesAndValues[i + 1]);
    }
    return new Binder(new MapConfigurationPropertySource(all))
        .bindOrCreate("gateway", GatewayProperties.class)
        .sync()
        .getFirst();
  }

  private SyncJob follow(String... namesAndValues) {
    return jobs.put(SyncJobs.API, settings(namesAndValues));
  }

  private void fetched() {
    var filed = jobs.get(REPO).orElseThrow();
    jobs.replace(filed, filed.job().changed(NOON, COMMIT, RunId.of("x"))).orElseThrow();
  }

  @Test
  void comparesEveryNightUnlessToldOtherwise() {
    var job = follow();

    assertThat(job.nextAt()).isEqualTo("2026-03-02T02:00:00Z");
    assertThat(job.after(job.nextAt())).isEqualTo("2026-03-03T02:00:00Z");
  }

  @Test
  void comparesEachRepositoryByAScheduleAndZoneOfItsOwn() {
    assertThat(follow("cron", "0 30 */6 * * *").nextAt()).isEqualTo("2026-03-01T12:30:00Z");
    assertThat(follow("zone", "Asia/Shanghai").nextAt()).isEqualTo("2026-03-01T18:00:00Z");
    // the same revision again is another repository's business
    jobs.put(SyncJobs.API, settings("repo", "flora/other", "cron", "0 0 0 * * SUN"));
    assertThat(jobs.all()).hasSize(2);
    assertThat(jobs.get(REPO).orElseThrow().job().nextAt()).isEqualTo("2026-03-01T18:00:00Z");
  }

  @Test
  void keepsWhatIsKnownWhenOnlyTheScheduleChanges() {
    follow();
    fetched();

    var job = follow("cron", "0 0 4 * * *");

    assertThat(job.commit()).isEqualTo(COMMIT);
    assertThat(job.lastRun()).isEqualTo(RunId.of("x"));
    assertThat(job.nextAt()).isEqualTo("2026-03-02T04:00:00Z");
  }

  @Test
  void fetchesAgainWhenOtherFilesAreWanted() {
    for (var other :
        new String[][] {
          {"preset", "everything"}, {"allow-patterns[0]", "*.json"}, {"ignore-patterns[0]", "*.md"}
        }) {
      jobs.delete(REPO);
      follow();
      fetched();

      var job = follow(other);

      assertThat(job.commit()).as(other[0]).isNull();
      assertThat(job.lastRun()).isEqualTo(RunId.of("x"));
    }
  }
}
