package flora.hub.mirror;

import static flora.hub.mirror.MirrorStatus.Circuit.CLOSED;
import static flora.hub.mirror.MirrorStatus.Circuit.HALF_OPEN;
import static flora.hub.mirror.MirrorStatus.Circuit.OPEN;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.threeten.extra.MutableClock;

class BreakerTest {

  private final MutableClock clock =
      MutableClock.of(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);
  private final Breaker breaker =
      new Breaker(clock, 3, Duration.ofSeconds(15), Duration.ofSeconds(40));

  @Test
  void opensAfterThreeFailuresInARow() {
    breaker.failed(1, "a");
    breaker.failed(1, "b");
    breaker.succeeded();
    breaker.failed(1, "c");
    breaker.failed(1, "d");
    assertThat(breaker.state()).isEqualTo(CLOSED);

    breaker.failed(1, "e");

    assertThat(breaker.state()).isEqualTo(OPEN);
    assertThat(breaker.allows()).isFalse();
    assertThat(breaker.cause()).isEqualTo("e");
  }

  @Test
  void opensAtOnceForALie() {
    breaker.lied("wrong bytes");

    assertThat(breaker.state()).isEqualTo(OPEN);
  }

  @Test
  void letsOneTrialDecideAndWaitsTwiceAsLongEachTime() {
    breaker.lied("wrong bytes");
    for (int seconds : new int[] {15, 30, 40, 40}) {
      clock.add(Duration.ofSeconds(seconds - 1));
      assertThat(breaker.state()).isEqualTo(OPEN);
      clock.add(Duration.ofSeconds(1));
      assertThat(breaker.state()).isEqualTo(HALF_OPEN);
      assertThat(breaker.allows()).isTrue();
      breaker.enter();
      assertThat(breaker.allows()).isFalse();
      breaker.failed(1, "still");
      assertThat(breaker.state()).isEqualTo(OPEN);
    }
    clock.add(Duration.ofSeconds(40));
    breaker.enter();
    breaker.succeeded();

    assertThat(breaker.state()).isEqualTo(CLOSED);
    assertThat(breaker.allows()).isTrue();
    assertThat(breaker.cause()).isNull();
  }
}
