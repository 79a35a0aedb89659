package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says how training is judged on pictures that it never
 * sees.
 *
 * @param validationSplit share of the pictures that are taken out; 0 or absent = none
 * @param evalSteps judged every so many optimizer steps; null = with every checkpoint
 * @param earlyStoppingPatience training ends after so many times without a better loss; null = five
 *     where pictures are taken out, 0 = never
 * @param validationSeed chooses those pictures and their noise; null = the plan's seed
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record ValidationPlan(
    Double validationSplit,
    @Nullable Integer evalSteps,
    @Nullable Integer earlyStoppingPatience,
    @Nullable Long validationSeed) {

  public ValidationPlan {
    validationSplit = validationSplit == null ? 0.0 : validationSplit;
  }

  /** What holds when nothing is said: all pictures are trained on. */
  ValidationPlan() {
    this(0.0, null, null, null);
  }
}
