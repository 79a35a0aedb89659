package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelsCommandTest {

  private static String path(String... arguments) {
    var parsed = Main.commandLine().parseArgs(arguments);
    return ((ModelsCommand.OneRevision) parsed.asCommandLineList().getLast().getCommand()).path();
  }

  @Test
  void saysWhatHoldsMoreThanTheQuota() {
    var report =
        """
        {"quota": 10, "bytes_after": 3000010, "kept": [
          {"bytes": 1000000, "reason": "pinned"},
          {"bytes": 1000000, "reason": "pinned"},
          {"bytes": 1000010, "reason": "recently_used"}]}
        """;

    assertThat(ModelsCommand.Clean.missed(Json.mapper().readTree(report)))
        .satisfiesExactly(
            first -> assertThat(first).contains("10 B").contains("3.0 MB are above it"),
            pinned -> assertThat(pinned).contains("pinned").endsWith(": 2, 2.0 MB"),
            recent -> assertThat(recent).contains("min-age").endsWith(": 1, 1.0 MB"));
  }

  @Test
  void saysNothingMoreWhenTheQuotaIsKeptOrNoneIsSet() {
    for (var report :
        List.of("{\"quota\": 10, \"bytes_after\": 10}", "{\"quota\": null, \"bytes_after\": 10}")) {
      assertThat(ModelsCommand.Clean.missed(Json.mapper().readTree(report))).isEmpty();
    }
  }

  @Test
  void pinAndUnpinSpeakOfTheSameThing() {
    for (var verb : List.of("pin", "unpin")) {
      assertThat(path("models", verb, "some/Model@v1"))
          .isEqualTo("/v1/models/some/Model/pin?revision=v1&type=model");
      assertThat(path("models", verb, "some/Pictures", "--dataset", "--json"))
          .startsWith("/v1/models/some/Pictures/pin?")
          .endsWith("&type=dataset");
    }
  }
}
