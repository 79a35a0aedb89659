package flora.trainer.recipe;

import flora.trainer.export.Adapter;
import flora.trainer.export.Provenance;

/**
 * What a recipe returns.
 *
 * @param adapter the trained matrices
 * @param provenance where it comes from
 * @param steps optimizer steps in all
 * @param loss mean over the last steps
 */
public record TrainedAdapter(Adapter adapter, Provenance provenance, long steps, double loss) {}
