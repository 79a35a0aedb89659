package flora.trainer.watch;

import flora.schemas.Json;
import java.time.Instant;

/** A line of {@code metrics.jsonl}. */
sealed interface LogLine permits StepMetrics, ValidationMetrics {

  /** When it was written. */
  Instant at();

  /** Optimizer steps done. */
  long step();

  /** Reads a line as it was written. */
  static LogLine read(byte[] line) {
    var type =
        Json.mapper().readTree(line).has("validation_loss")
            ? ValidationMetrics.class
            : StepMetrics.class;
    return Json.read(line, type);
  }
}
