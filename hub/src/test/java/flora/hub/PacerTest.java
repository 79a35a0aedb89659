package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.threeten.extra.MutableClock;

class PacerTest {

  private final MutableClock clock =
      MutableClock.of(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);
  private final Pacer pacer = new Pacer(clock);

  private void learn(int status, String... headers) {
    var all = new HashMap<String, String>();
    for (int i = 0; i < headers.length; i += 2) {
      all.put(headers[i], headers[i + 1]);
    }
    pacer.learn(status, all::get);
  }

  private Duration turn() {
    var turn = pacer.turn(Duration.ofDays(1));
    return turn.delay();
  }

  @Test
  void keepsATurnThatIsTooFarOffForWhoComesBack() {
    learn(200, "RateLimit", "\"api\";r=9;t=250");
    assertThat(turn()).isZero();
    var next = pacer.turn(Duration.ofSeconds(1));
    assertThat(next.isRefused()).isFalse();
    assertThat(next.delay()).isBetween(Duration.ofSeconds(20), Duration.ofSeconds(35));
    // asking costs nothing
    for (int i = 0; i < 50; i++) {
      assertThat(pacer.turn(Duration.ofSeconds(1))).isEqualTo(next);
    }

    clock.add(next.delay());

    assertThat(pacer.turn(Duration.ofSeconds(1)).delay()).isZero();
    assertThat(pacer.turn(Duration.ofSeconds(1)).delay()).isPositive();
  }

  @Test
  void isFreeWhileMuchIsLeftAndSpreadsTheRest() {
    learn(200, "RateLimit", "\"api\";r=21;t=100", "RateLimit-Policy", "\"api\";q=100;w=300");
    assertThat(turn()).isZero();

    var total = Duration.ZERO;
    for (int i = 0; i < 20; i++) {
      total = turn();
    }
    assertThat(total).isBetween(Duration.ofSeconds(60), Duration.ofSeconds(100));
    assertThat(turn()).isEqualTo(Duration.ofSeconds(100));
    clock.add(Duration.ofSeconds(101));
    assertThat(turn()).isZero();
  }

  @Test
  void believesTheSmallestNumberOfAWindow() {
    learn(200, "RateLimit", "limit=100, remaining=0, reset=30");
    learn(200, "RateLimit", "limit=100, remaining=9, reset=30");

    assertThat(turn()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void holdsAllConnectionsAfterARefusal() {
    learn(429, "Retry-After", "7");

    assertThat(turn()).isEqualTo(Duration.ofSeconds(7));
    assertThat(pacer.turn(Duration.ZERO).isRefused()).isTrue();
    clock.add(Duration.ofSeconds(8));
    assertThat(turn()).isZero();
  }

  @Test
  void readsTheOldHeaders() {
    var budget =
        RateLimits.budget(
            Map.of(
                    "X-RateLimit-Remaining", "3",
                    "X-RateLimit-Limit", "60",
                    "X-RateLimit-Reset", Long.toString(clock.instant().getEpochSecond() + 40))
                ::get,
            clock);

    assertThat(budget).contains(new RateLimits.Budget(3, 60, Duration.ofSeconds(40)));
    assertThat(
            RateLimits.retryAfter(
                Map.of("Retry-After", "Thu, 1 Jan 2026 12:00:09 GMT")::get, clock))
        .isEqualTo(Duration.ofSeconds(9));
    assertThat(RateLimits.retryAfter(Map.of("RateLimit", "\"api\";r=0;t=55")::get, clock))
        .isEqualTo(Duration.ofSeconds(55));
    assertThat(RateLimits.budget(Map.of("RateLimit", "nonsense")::get, clock)).isEmpty();
  }
}
