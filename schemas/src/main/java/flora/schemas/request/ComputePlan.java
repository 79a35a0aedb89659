package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.schemas.request.TrainingPlan.MixedPrecision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says what computes, and how.
 *
 * @param mixedPrecision what was asked for; without a GPU all is fp32
 * @param gradientCheckpointing activations are computed again for the backward pass, which saves
 *     memory and costs time; absent = false
 * @param device what computes; null = a GPU where there is one
 * @param devices what computes a batch together; empty or absent = {@code device} alone
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record ComputePlan(
    @Written MixedPrecision mixedPrecision,
    Boolean gradientCheckpointing,
    @Nullable String device,
    List<String> devices) {

  public ComputePlan {
    gradientCheckpointing = gradientCheckpointing == null ? false : gradientCheckpointing;
    devices = devices == null ? List.of() : List.copyOf(devices);
  }

  /** What holds when nothing is said. */
  ComputePlan() {
    this(MixedPrecision.NO, false, null, List.of());
  }

  /** One device, activations kept. */
  public static ComputePlan of(MixedPrecision precision) {
    return new ComputePlan(precision, false, null, List.of());
  }
}
