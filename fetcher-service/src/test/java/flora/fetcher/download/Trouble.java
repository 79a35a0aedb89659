package flora.fetcher.download;

import flora.fakehub.FakeHub;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * What happens to processes: some are killed, some put to sleep, some hubs are gone for a while.
 */
final class Trouble {

  private static final Duration LONG_SLEEP = Duration.ofMillis(4500);
  private static final Duration OUTAGE = Duration.ofMillis(600);

  private final List<Crew.OfProcesses> processes;
  private final List<FakeHub> hubs;
  private final Random random;
  private int kills;
  private int sleeps;
  private int outages;

  Trouble(List<Crew.OfProcesses> processes, List<FakeHub> hubs, Random random) {
    this.processes = processes;
    this.hubs = hubs;
    this.random = random;
  }

  /** One more misfortune. */
  void some() throws Exception {
    var victim = processes.get(random.nextInt(processes.size()));
    switch (random.nextInt(7)) {
      case 0, 1 -> {
        kills++;
        victim.kill();
      }
      case 2 -> {
        sleeps++;
        victim.sleep(LONG_SLEEP);
      }
      case 3 -> {
        outages++;
        var hub = hubs.get(random.nextInt(hubs.size())).die();
        Thread.sleep(OUTAGE);
        hub.revive();
      }
      default -> {
        // peace
      }
    }
  }

  int kills() {
    return kills;
  }

  @Override
  public String toString() {
    return "%d killed, %d asleep, %d outages".formatted(kills, sleeps, outages);
  }
}
