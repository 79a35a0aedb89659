package flora.trainer;

import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.request.TrainingPlan;
import java.time.Instant;
import java.util.Map;

/**
 * {@code run-card.json}: what the adapter's own files must not say, because it differs from one
 * training to the next.
 *
 * @param runId the run
 * @param attempt the attempt that finished it
 * @param finishedAt when
 * @param plan how it was trained
 * @param datasetVersion on what
 * @param weights digests of the base model's files, by role and path
 * @param compute what computed at the end
 * @param steps optimizer steps
 * @param loss mean over the last steps
 */
record RunCard(
    RunId runId,
    int attempt,
    Instant finishedAt,
    TrainingPlan.StableDiffusionLora plan,
    Sha256 datasetVersion,
    Map<String, Sha256> weights,
    String compute,
    long steps,
    double loss) {}
