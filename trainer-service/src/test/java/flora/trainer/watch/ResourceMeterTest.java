package flora.trainer.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ResourceMeterTest {

  private long now = 1;

  private ResourceMeter asking(String... command) {
    return new ResourceMeter(() -> now, List.of(command));
  }

  @Test
  void tellsWhatTheProcessHolds() {
    var usage = asking("no-such-program").read();

    assertThat(usage.memoryBytes()).isGreaterThan(20L << 20);
    assertThat(usage.gpuPercent()).isNull();
    assertThat(usage.gpuMemoryBytes()).isNull();
  }

  @Test
  void tellsTheShareOfACoreSinceItLastLooked() {
    var meter = asking("no-such-program");
    long cpu = System.nanoTime();
    while (System.nanoTime() - cpu < TimeUnit.MILLISECONDS.toNanos(300)) {
      now++; // busy
    }
    now += TimeUnit.MILLISECONDS.toNanos(300);

    assertThat(meter.read().cpuPercent()).isGreaterThan(20);
  }

  @Test
  void readsTheCardWhereThereIsOne() {
    var usage = asking("echo", "87, 10240").read();

    assertThat(usage.gpuPercent()).isEqualTo(87.0);
    assertThat(usage.gpuMemoryBytes()).isEqualTo(10L << 30);
  }

  @Test
  void passesOverAnAnswerThatIsNone() {
    assertThat(asking("echo", "[N/A], [N/A]").read().gpuPercent()).isNull();
  }

  @Test
  void doesNotWaitForADriverThatHangs() {
    long before = System.nanoTime();

    assertThat(asking("sleep", "60").read().gpuPercent()).isNull();

    assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(30));
  }
}
