package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says which pictures are drawn while it learns.
 *
 * @param previewPrompts one picture each; empty or absent = none are drawn
 * @param previewSteps drawn every so many optimizer steps; null = with every checkpoint
 * @param previewSampler how they are drawn; absent = dpmpp_2m
 * @param previewGuidance how much the prompt counts; absent = 7.5
 * @param previewSamplingSteps steps of the sampler; absent = 20
 * @param previewSeed of the noise that they begin with; null = the plan's seed
 * @param previewAtFirst also before the first step; absent = false
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record PreviewPlan(
    List<String> previewPrompts,
    @Nullable Integer previewSteps,
    String previewSampler,
    Double previewGuidance,
    Integer previewSamplingSteps,
    @Nullable Long previewSeed,
    Boolean previewAtFirst) {

  private static final String SAMPLER = "dpmpp_2m";

  public PreviewPlan {
    previewPrompts = previewPrompts == null ? List.of() : List.copyOf(previewPrompts);
    previewSampler = previewSampler == null ? SAMPLER : previewSampler;
    previewGuidance = previewGuidance == null ? 7.5 : previewGuidance;
    previewSamplingSteps = previewSamplingSteps == null ? 20 : previewSamplingSteps;
    previewAtFirst = previewAtFirst == null ? false : previewAtFirst;
  }

  /** What holds when nothing is said: none are drawn. */
  PreviewPlan() {
    this(List.of(), null, SAMPLER, 7.5, 20, null, false);
  }
}
