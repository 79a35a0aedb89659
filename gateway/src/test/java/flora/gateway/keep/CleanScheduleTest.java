package flora.gateway.keep;

import static org.assertj.core.api.Assertions.assertThat;

import flora.gateway.GatewayProperties;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class CleanScheduleTest {

  private static final RepoId REPO = new RepoId("flora/old");
  private static final String COMMIT = "c".repeat(40);

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Archive archive = new Archive(store);

  @BeforeEach
  void fetch() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    var bytes = "old weights".getBytes(StandardCharsets.US_ASCII);
    var digest = Sha256.sum(bytes);
    var file = new HubFile("model.safetensors", bytes.length, null, digest);
    var verified = new Verified(digest, bytes.length, "lfs-sha256", "test", Instant.EPOCH);
    archive.put(StoreLayout.MODELS, digest, bytes);
    archive.mark(StoreLayout.MODELS, file, verified);
    archive.publish(
        new RepoListing(RepoType.MODEL, REPO, "main", COMMIT, List.of(file)),
        Map.of(file, verified));
  }

  private CleanSchedule schedule(Map<String, String> settings) {
    var all = new HashMap<>(settings);
    all.putIfAbsent("gateway.clean.min-age", "0s");
    var properties =
        new Binder(new MapConfigurationPropertySource(all))
            .bindOrCreate("gateway", GatewayProperties.class);
    var runs = new LivingRuns(() -> true, List::of, store);
    var clock = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(1));
    var cleaner = new Cleaner(store, runs, clock, "test", properties.clean());
    return new CleanSchedule(cleaner, clock, properties);
  }

  private boolean isThere() {
    return archive.manifest(RepoType.MODEL, REPO, COMMIT).isPresent();
  }

  @Test
  void cleansUpEveryTimeThatTheCronSays() {
    var schedule =
        schedule(Map.of("gateway.clean.cron", "* * * * * *", "gateway.clean.quota", "1B"));
    schedule.start();
    try {
      Awaitility.await().until(() -> !isThere());
      fetch();
      Awaitility.await().until(() -> !isThere());
    } finally {
      schedule.stop();
    }
    Awaitility.await().until(() -> !schedule.isRunning());
  }

  @Test
  void waitsForItsTime() throws Exception {
    var schedule =
        schedule(Map.of("gateway.clean.cron", "0 0 0 29 2 *", "gateway.clean.quota", "1B"));
    schedule.start();
    Thread.sleep(1500);
    assertThat(isThere()).isTrue();
    assertThat(schedule.isRunning()).isTrue();
    schedule.stop();
  }

  @Test
  void doesNothingWithoutAQuotaOrWithoutACron() {
    for (var settings :
        List.of(
            Map.of("gateway.clean.cron", "* * * * * *"),
            Map.of("gateway.clean.cron", "-", "gateway.clean.quota", "1B"))) {
      var schedule = schedule(settings);
      schedule.start();
      assertThat(schedule.isRunning()).as("%s", settings).isFalse();
    }
  }
}
