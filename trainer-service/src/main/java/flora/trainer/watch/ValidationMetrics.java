package flora.trainer.watch;

import java.time.Instant;

/**
 * A line of {@code metrics.jsonl}: what the held-out pictures say after a step.
 *
 * @param step optimizer steps done
 * @param validationLoss mean over all of them
 */
public record ValidationMetrics(Instant at, long step, double validationLoss) implements LogLine {}
