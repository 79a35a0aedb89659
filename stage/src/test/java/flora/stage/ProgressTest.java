package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.label.LabelEvent;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ProgressTest {

  private static final Duration LEAST = Duration.ofMillis(200);
  private static final Duration MOST = Duration.ofMillis(600);

  private final List<Long> told = new CopyOnWriteArrayList<>();
  private final List<Long> times = new CopyOnWriteArrayList<>();

  @Test
  void holdsBackAndTellsTheNewest() throws Exception {
    try (var progress = progress()) {
      for (long i = 1; i <= 50; i++) {
        progress.offer(event(i));
        Thread.sleep(10);
      }
      await().until(() -> told.getLast() == 50);
    }

    assertThat(told).hasSizeLessThan(8).isSorted();
    for (int i = 1; i < times.size(); i++) {
      assertThat(times.get(i) - times.get(i - 1)).isGreaterThanOrEqualTo(LEAST.toMillis() - 2);
    }
  }

  @Test
  void saysItAgainWhenNothingWasHeardForLong() {
    try (var progress = progress()) {
      progress.offer(event(7));

      await().atMost(Duration.ofSeconds(5)).until(() -> told.size() == 3);
    }

    assertThat(told).containsOnly(7L);
    assertThat(times.get(2) - times.get(1)).isGreaterThanOrEqualTo(MOST.toMillis() - 2);
  }

  @Test
  void saysNothingOnceItIsClosed() throws Exception {
    var progress = progress();
    progress.heard();
    progress.offer(event(1));
    progress.close();

    Thread.sleep(LEAST.toMillis() * 2);

    assertThat(told).isEmpty();
  }

  private Progress progress() {
    var self = new Progress[1];
    var clock = Clock.systemUTC();
    self[0] =
        new Progress(
            clock,
            LEAST,
            MOST,
            event -> {
              var stamp = new EventStamp(RunId.of("p"), 1, 1, Instant.EPOCH);
              told.add(((LabelEvent.Progressed) event.apply(stamp)).done());
              times.add(System.nanoTime() / 1_000_000);
              self[0].heard();
            });
    return self[0];
  }

  private static Function<EventStamp, Event> event(long done) {
    return s -> new LabelEvent.Progressed(s.runId(), s.attempt(), s.seq(), s.at(), done, 100);
  }
}
