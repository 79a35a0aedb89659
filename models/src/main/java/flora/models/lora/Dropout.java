package flora.models.lora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import flora.models.aten.Aten;
import flora.models.random.RandomStream;

/** Drops inputs of an adapter: a pure function of the place. */
@FunctionalInterface
public interface Dropout {

  /**
   * The input with some elements 0 and the others {@code 1/(1−p)} times as large.
   *
   * @param x {@code [n, …]}
   * @param layer which adapted layer, counted in the network's order
   */
  NDArray drop(NDArray x, int layer);

  /**
   * Dropout from a stream of random numbers; the probability is rounded to 1/65536. What is dropped
   * of a sample does not depend on the samples beside it.
   *
   * @param draws for each sample of a batch a number that no other showing of the training has; the
   *     inputs may have several rows for each sample, one after the other
   */
  static Dropout of(RandomStream stream, long[] draws, double p) {
    int dropped = (int) Math.round(p * RandomStream.CHANCES);
    double kept = RandomStream.CHANCES / (double) (RandomStream.CHANCES - dropped);
    return (x, layer) -> {
      Shape shape = x.getShape();
      int size = Math.toIntExact(shape.size());
      if (shape.get(0) % draws.length != 0) {
        throw new IllegalArgumentException(
            "%s are not the rows of %d samples".formatted(shape, draws.length));
      }
      var mask = new byte[size];
      int sample = size / draws.length;
      for (int i = 0; i < draws.length; i++) {
        stream.keep(draws[i], layer, mask, i * sample, sample, dropped);
      }
      return Aten.drop(x, Aten.of(mask, shape.getShape()), kept);
    };
  }
}
