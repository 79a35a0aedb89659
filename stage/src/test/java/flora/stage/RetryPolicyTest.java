package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.ErrorCode;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RetryPolicyTest {

  private final RetryPolicy policy =
      new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofSeconds(30));

  @Test
  void doublesThePauseAndGivesUp() {
    assertThat(pause(1, Optional.empty())).contains(Duration.ofSeconds(1));
    assertThat(pause(2, Optional.empty())).contains(Duration.ofSeconds(2));
    assertThat(pause(3, Optional.empty())).contains(Duration.ofSeconds(4));
    assertThat(pause(4, Optional.empty())).isEmpty();
  }

  @Test
  void waitsAsLongAsTheOtherSideAsksWithinReason() {
    assertThat(pause(1, Optional.of(Duration.ofSeconds(9)))).contains(Duration.ofSeconds(9));
    assertThat(pause(3, Optional.of(Duration.ofSeconds(3)))).contains(Duration.ofSeconds(4));
    assertThat(pause(1, Optional.of(Duration.ofHours(2)))).contains(Duration.ofSeconds(30));
  }

  @Test
  void waitsForTheObjectStoreAsLongAsItTakes() {
    var away = new ScriptedFlow.Trouble(ErrorCode.STORE_UNAVAILABLE, Optional.empty());

    assertThat(policy.pause(1000, away)).contains(Duration.ofSeconds(30));
  }

  @ParameterizedTest
  @EnumSource
  void triesAgainOnlyWhatIsTransient(ErrorCode code) {
    var failure = new ScriptedFlow.Trouble(code, Optional.of(Duration.ofSeconds(1)));

    assertThat(policy.pause(1, failure).isPresent())
        .isEqualTo(
            switch (code) {
              case HUB_UNREACHABLE, HUB_RATE_LIMITED, STORE_UNAVAILABLE -> true;
              default -> false;
            });
  }

  @Test
  void refusesNonsense() {
    assertThatThrownBy(() -> new RetryPolicy(-1, Duration.ZERO, Duration.ZERO))
        .hasMessageContaining("stage.retries");
    assertThatThrownBy(() -> new RetryPolicy(1, Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .hasMessageContaining("stage.longest-pause");
  }

  private Optional<Duration> pause(int failures, Optional<Duration> retryAfter) {
    return policy.pause(failures, new ScriptedFlow.Trouble(ErrorCode.HUB_UNREACHABLE, retryAfter));
  }
}
