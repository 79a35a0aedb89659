package flora.schemas.request;

import org.jspecify.annotations.Nullable;

/**
 * What one run is to do; an absent part is not done. The effective request has every default filled
 * in and is what all stages read.
 *
 * @param name of the run and of its adapter file
 * @param model what to fetch
 * @param dataset which pictures, and how to label them
 * @param train how to train
 */
public record RunRequest(
    String name,
    @Nullable ModelSource model,
    @Nullable DatasetSource dataset,
    @Nullable TrainingPlan train) {}
