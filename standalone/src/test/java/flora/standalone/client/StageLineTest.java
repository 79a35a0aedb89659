package flora.standalone.client;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.ErrorCode;
import flora.schemas.Failure;
import flora.schemas.Stage;
import flora.schemas.run.StageState;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StageLineTest {

  @Test
  void showsHalfOfTheBarForHalfOfTheWork() {
    var line = StageLine.bar(Stage.TRAIN, state(StageState.Status.RUNNING, 50, 100, 0.1134, 12L));

    assertThat(line)
        .startsWith("train  " + "█".repeat(12) + "░".repeat(12))
        .contains("50/100 steps")
        .contains("loss 0.1134")
        .endsWith("12 s left");
  }

  @Test
  void survivesAStageThatDoesNotKnowItsTotalYet() {
    var line = StageLine.bar(Stage.TRAIN, state(StageState.Status.RUNNING, 0, 0, null, null));

    assertThat(line).contains("░".repeat(24)).contains("0/0 steps");
  }

  @Test
  void saysThatItDoesNotKnowTheFilesYet() {
    var asking =
        new StageState(
            StageState.Status.RUNNING,
            1,
            1,
            null,
            1,
            0,
            0,
            "bytes",
            null,
            null,
            null,
            null,
            List.of(),
            0,
            null,
            null);

    assertThat(StageLine.plain(Stage.FETCH, asking))
        .isEqualTo("fetch  asking for the list of files");
  }

  @ParameterizedTest
  @CsvSource({
    "0,0 B",
    "999,999 B",
    "1000,1.0 kB",
    "999499,999 kB",
    "999500,1.0 MB",
    "4265146304,4.3 GB"
  })
  void writesBytesInDecimalUnits(long bytes, String text) {
    assertThat(StageLine.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"0,0 s", "99,99 s", "812,14 min", "7500,2 h 05 min"})
  void roundsTimesToWhatMatters(long seconds, String text) {
    assertThat(StageLine.duration(seconds)).isEqualTo(text);
  }

  @Test
  void saysWhatAPausedStageWaitsForAndWhatHelps() {
    var full = new Failure(ErrorCode.INSUFFICIENT_DISK, "no room\u001b[31m", "free some");
    var paused =
        new StageState(
            StageState.Status.RUNNING,
            1,
            1,
            null,
            1,
            4_000_000,
            9_000_000,
            "bytes",
            null,
            null,
            null,
            null,
            List.of(),
            1,
            full,
            null);

    assertThat(StageLine.plain(Stage.FETCH, paused))
        .contains("4.0 MB of 9.0 MB")
        .endsWith("PAUSED: no room?[31m; free some");
  }

  private static StageState state(
      StageState.Status status, long done, long total, Double loss, Long eta) {
    return new StageState(
        status, 1, 1, null, 1, done, total, "steps", loss, null, eta, null, List.of(), 0, null,
        null);
  }
}
