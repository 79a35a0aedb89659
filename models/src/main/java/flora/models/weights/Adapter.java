package flora.models.weights;

import ai.djl.ndarray.NDArray;
import java.util.List;

/** A change to one layer's output, such as a low-rank update. */
@FunctionalInterface
public interface Adapter {
  /** The changed output, given the layer's input {@code x} and its plain output {@code y}. */
  NDArray adapt(NDArray x, NDArray y);

  /** What of it can be trained. */
  default List<NDArray> parameters() {
    return List.of();
  }
}
