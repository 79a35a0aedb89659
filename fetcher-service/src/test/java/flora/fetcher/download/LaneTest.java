package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LaneTest {

  private final Lane lane = new Lane("hub", 16);
  private long now = System.nanoTime();

  /**
   * So many tenths of a second in which every connection brings this, up to what the link carries.
   */
  private void tick(int times, long perConnection, long link) {
    for (int i = 0; i < times; i++) {
      while (lane.hire()) {
        lane.started();
      }
      now += TimeUnit.MILLISECONDS.toNanos(100);
      lane.brought(Math.min(link, perConnection * lane.busy()) / 10);
      lane.tick(now);
    }
  }

  @Test
  void growsToWhatTheSourceAllows() {
    tick(5, 1_000_000, Long.MAX_VALUE);

    assertThat(lane.busy()).isEqualTo(16);
    assertThat(lane.isFull()).isFalse();
  }

  @Test
  void halvesAndWaitsWhenTheSourceSaysTooOften() {
    tick(5, 1_000_000, Long.MAX_VALUE);

    lane.failed(new HubException.RateLimited("hub", Duration.ofSeconds(5)));
    // those that fail together count once
    lane.failed(new HubException.RateLimited("hub", Duration.ofSeconds(5)));

    assertThat(lane.mayAsk(System.nanoTime())).isFalse();
    assertThat(lane.mayAsk(System.nanoTime() + TimeUnit.SECONDS.toNanos(6))).isTrue();
    for (int i = 0; i < 8; i++) {
      assertThat(lane.leaves(true)).isTrue();
    }
    assertThat(lane.leaves(true)).isFalse();
  }

  @Test
  void staysWithTheFewConnectionsThatFillALink() {
    tick(20, 500_000_000, 500_000_000);

    assertThat(lane.isFull()).isTrue();
    // four were tried
    assertThat(lane.busy()).isEqualTo(4);
    assertThat(lane.leaves(true)).isTrue();
    assertThat(lane.leaves(true)).isTrue();
    assertThat(lane.leaves(true)).isFalse();
  }

  @Test
  void growsWhereEachFastConnectionBringsMore() {
    tick(40, 100_000_000, Long.MAX_VALUE);

    assertThat(lane.busy()).isEqualTo(16);
  }
}
