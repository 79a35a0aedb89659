package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ModelsCommandTest {

  private static String path(String... arguments) {
    var parsed = Main.commandLine().parseArgs(arguments);
    return ((ModelsCommand.OneRevision) parsed.asCommandLineList().getLast().getCommand()).path();
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
