package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubException;
import flora.hub.RepoType;
import flora.schemas.RepoId;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.threeten.extra.MutableClock;

class HealthTest {

  private static final String REPO = Health.key(RepoType.MODEL, new RepoId("a/b"), "main");

  private final MutableClock clock =
      MutableClock.of(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);
  private static final String HOST = "mirror.example";

  private final Health health = Health.ofMirror(clock, HOST);

  @Test
  void knowsTheLatencyThatHalfAndThatNearlyAllOfTheAnswersStayBelow() {
    assertThat(health.latencyMillis(0.5)).isEmpty();

    for (int i = 1; i <= 40; i++) {
      health.answered(Duration.ofMillis(10L * i));
    }

    assertThat(health.latencyMillis(0.5)).hasValue(200);
    assertThat(health.latencyMillis(0.95)).hasValue(380);
    for (int i = 0; i < 64; i++) {
      health.answered(Duration.ofMillis(7));
    }
    assertThat(health.latencyMillis(0.95)).hasValue(7);
  }

  @Test
  void measuresTheRateOfWhatIsLongEnoughToMeasure() {
    health.moved(HOST, 1000, Duration.ofMillis(1));
    assertThat(health.bytesPerSecond()).isZero();

    health.moved(HOST, 1_000_000, Duration.ofSeconds(1));
    assertThat(health.bytesPerSecond()).isEqualTo(1_000_000);

    health.moved(HOST, 2_000_000, Duration.ofSeconds(1));
    assertThat(health.bytesPerSecond()).isEqualTo(1_300_000);
  }

  @Test
  void isBehindForAsLongAsItWasSeenBehind() {
    assertThat(health.lagSeconds()).isEmpty();
    health.compared(REPO, true);
    assertThat(health.lagSeconds()).hasValue(0);

    // nobody looked for ten minutes: it may have been right until a moment ago
    clock.add(Duration.ofSeconds(600));
    health.compared(REPO, false);
    assertThat(health.lagSeconds()).hasValue(1);

    clock.add(Duration.ofSeconds(400));
    assertThat(health.lagSeconds()).hasValue(1);
    health.compared(REPO, false);
    assertThat(health.lagSeconds()).hasValue(400);

    health.compared(REPO, true);
    assertThat(health.lagSeconds()).hasValue(0);
  }

  @Test
  void forgetsALagThatNobodyLookedAtAgain() {
    health.compared(REPO, false);
    clock.add(Duration.ofSeconds(400));
    health.compared(REPO, false);
    health.compared("other", true);
    assertThat(health.lagSeconds()).hasValue(400);

    clock.add(Duration.ofSeconds(3_000));
    health.compared("other", true);
    assertThat(health.lagSeconds()).hasValue(400);
    clock.add(Duration.ofSeconds(700));

    assertThat(health.lagSeconds()).isEqualTo(OptionalLong.of(0));
  }

  @Test
  void knowsTheHostThatItsDataLeadsToUntilBytesCome() {
    health.fileFailed(new HubException.Unreachable("mirror", HOST, "gone", null));
    assertThat(health.lostHost()).isNull();

    health.fileFailed(new HubException.Unreachable("mirror", "cdn.example", "gone", null));
    assertThat(health.lostHost()).isEqualTo("cdn.example");

    health.moved(HOST, 10, Duration.ofMillis(1));
    assertThat(health.lostHost()).as("a small file that it has itself").isEqualTo("cdn.example");

    health.moved("other.example", 10, Duration.ofMillis(1));
    assertThat(health.lostHost()).isNull();
  }

  @Test
  void doesNotCountWhatItMerelyLacks() {
    for (int i = 0; i < 5; i++) {
      health.pageFailed(new HubException.RepoNotFound(new RepoId("a/b"), "mirror", false));
    }
    assertThat(health.pages().allows()).isTrue();

    for (int i = 0; i < 3; i++) {
      health.pageFailed(new HubException.Unreachable("mirror", "gone", null));
    }
    assertThat(health.pages().allows()).isFalse();
    assertThat(health.files().allows()).isTrue();
  }

  @Test
  void leavesAPlaceAloneForAsLongAsItAsks() {
    health.pageFailed(new HubException.RateLimited("mirror", Duration.ofSeconds(100)));

    clock.add(Duration.ofSeconds(99));
    assertThat(health.pages().allows()).isFalse();
    clock.add(Duration.ofSeconds(1));
    assertThat(health.pages().allows()).isTrue();
  }
}
