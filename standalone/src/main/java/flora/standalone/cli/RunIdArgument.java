package flora.standalone.cli;

import flora.schemas.RunId;
import flora.standalone.client.InvalidInput;
import picocli.CommandLine.Parameters;

/** A run's id on the command line. */
final class RunIdArgument {

  @Parameters(index = "0", paramLabel = "RUN", description = "id of a run, as flora runs lists it")
  String id = "";

  RunId get() {
    try {
      return new RunId(id);
    } catch (IllegalArgumentException e) {
      throw new InvalidInput(
          "'%s' is no run id: expected run_ and 26 characters, as ./flora runs lists them"
              .formatted(id));
    }
  }
}
