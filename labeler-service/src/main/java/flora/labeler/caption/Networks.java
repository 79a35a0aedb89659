package flora.labeler.caption;

import flora.models.generate.EarlyStopping;
import flora.models.generate.GenerationOptions;
import flora.models.weights.Precision;
import flora.schemas.request.Generation;
import flora.schemas.request.LabelOptions;

/** A request's options as the networks take them. */
public final class Networks {

  private Networks() {}

  /** In which numbers a network computes. */
  public static Precision precision(LabelOptions.Precision precision) {
    return switch (precision) {
      case FP32 -> Precision.FP32_PACKED;
      case INT8 -> Precision.INT8;
    };
  }

  /** How a caption is searched. */
  public static GenerationOptions generation(Generation generation) {
    return new GenerationOptions(
        generation.numBeams(),
        generation.maxNewTokens(),
        generation.minNewTokens(),
        generation.repetitionPenalty(),
        generation.noRepeatNgramSize(),
        generation.lengthPenalty(),
        switch (generation.earlyStopping()) {
          case TRUE -> EarlyStopping.TRUE;
          case FALSE -> EarlyStopping.FALSE;
          case NEVER -> EarlyStopping.NEVER;
        });
  }
}
