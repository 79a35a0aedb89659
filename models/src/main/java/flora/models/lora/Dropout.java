package flora.models.lora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import flora.models.aten.Aten;
import flora.models.random.RandomStream;

/** Where the dropped inputs of an adapter come from: a pure function of the place. */
@FunctionalInterface
public interface Dropout {

  /**
   * The factor for each input element: 0 or {@code 1/(1-p)}.
   *
   * @param layer which adapted layer, counted in the network's order
   */
  NDArray mask(int layer, Shape shape);

  /**
   * Masks from a stream of random numbers.
   *
   * @param step a number that no other forward pass of the training has
   */
  static Dropout of(RandomStream stream, long step, double p) {
    float kept = (float) (1 / (1 - p));
    return (layer, shape) -> {
      float[] values = stream.uniform(step, layer, Math.toIntExact(shape.size()), 0, 1);
      for (int i = 0; i < values.length; i++) {
        values[i] = values[i] < p ? 0 : kept;
      }
      return Aten.of(values, shape.getShape());
    };
  }
}
