package flora.trainer.recipe;

import flora.trainer.export.Adapter;
import flora.trainer.export.Provenance;
import org.jspecify.annotations.Nullable;

/**
 * What a recipe returns.
 *
 * @param adapter the trained matrices
 * @param provenance where it comes from
 * @param steps optimizer steps in all
 * @param loss mean over the last steps
 * @param stoppedEarly why there were no more steps, in one word; null when all were done
 * @param bestStep the step that the adapter is from, where that is not the last
 */
public record TrainedAdapter(
    Adapter adapter,
    Provenance provenance,
    long steps,
    double loss,
    @Nullable String stoppedEarly,
    @Nullable Long bestStep) {}
