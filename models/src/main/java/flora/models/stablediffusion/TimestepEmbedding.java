package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Activation;
import flora.models.block.Linear;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Weights;
import java.util.List;

/**
 * The time as a vector: sines and cosines of falling frequency (<a
 * href="https://arxiv.org/abs/1706.03762">Vaswani et al.</a>), then two linear layers.
 */
final class TimestepEmbedding {
  private static final float MAX_PERIOD = 10_000;

  private final int size;
  private final boolean cosFirst;
  private final double shift;
  private final Activation activation;
  private final Linear linear1;
  private final Linear linear2;

  TimestepEmbedding(UNetConfig config, Weights weights) {
    size = config.channels().getFirst();
    cosFirst = config.flipSinToCos();
    shift = config.frequencyShift();
    activation = config.activation();
    linear1 = new Linear(weights.child("linear_1"), size, config.timeSize(), true);
    linear2 = new Linear(weights.child("linear_2"), config.timeSize(), config.timeSize(), true);
  }

  /** One timestep per sample, whole or between two: {@code [n, size]}. */
  NDArray waves(float[] timesteps) {
    return Aten.of(sinusoids(timesteps, size, cosFirst, shift), timesteps.length, size);
  }

  /** {@code [n, size] → [n, time]}. */
  NDArray forward(NDArray waves) {
    return linear2.forward(activation.apply(linear1.forward(waves)));
  }

  /** Both as a segment without inputs. */
  int forward(Segments segments, float[] timesteps) {
    return segments.single(
        List.of(),
        AdaptableLayer.parameters(List.of(linear1, linear2)),
        _ -> Scope.keeping(() -> forward(waves(timesteps))));
  }

  /** {@code [n, size]}, rounded to fp32 where the peer rounds. */
  static float[] sinusoids(float[] timesteps, int size, boolean cosFirst, double shift) {
    int half = size / 2;
    var values = new float[timesteps.length * size];
    for (int i = 0; i < half; i++) {
      float exponent = (float) (-Math.log(MAX_PERIOD)) * i / (float) (half - shift);
      float frequency = (float) Math.exp(exponent);
      for (int n = 0; n < timesteps.length; n++) {
        float angle = timesteps[n] * frequency;
        values[n * size + (cosFirst ? half + i : i)] = (float) Math.sin(angle);
        values[n * size + (cosFirst ? i : half + i)] = (float) Math.cos(angle);
      }
    }
    return values;
  }
}
