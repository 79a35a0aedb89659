package flora.trainer.watch;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A line of {@code metrics.jsonl}: what one optimizer step did and what it took.
 *
 * @param step optimizer steps done, this one included
 * @param loss mean over the step's micro-batches
 * @param smoothedLoss the average of all losses so far in which the newest counts 0.02
 * @param gradNorm total norm of the gradients before clipping
 * @param cpuPercent of one core; the last known
 * @param memoryBytes resident; the last known
 * @param gpuPercent busy share of the card; null where there is none
 */
public record StepMetrics(
    Instant at,
    long step,
    double loss,
    double smoothedLoss,
    double learningRate,
    double gradNorm,
    double samplesPerSecond,
    double cpuPercent,
    long memoryBytes,
    @Nullable Double gpuPercent,
    @Nullable Long gpuMemoryBytes)
    implements LogLine {}
