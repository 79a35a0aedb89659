package flora.models.weights;

import ai.djl.ndarray.NDArray;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A layer of a network whose output an {@link Adapter} may change. */
public interface AdaptableLayer {

  /** What a layer computes, as far as an adapter must know it. */
  sealed interface Geometry {
    /** {@code [..., inputs] → [..., outputs]}. */
    record Dense(int inputs, int outputs) implements Geometry {}

    /** {@code [n, inputs, h, w] → [n, outputs, h', w']} with a square kernel. */
    record Convolution(int inputs, int outputs, int kernel, int stride, int padding)
        implements Geometry {}
  }

  /** The path of the layer in its network, for instance {@code mid_block.attentions.0.proj_in}. */
  String name();

  Geometry geometry();

  /** Sets the adapter, or removes it. */
  void adapt(@Nullable Adapter adapter);

  /** What can be trained in the layer's adapter; empty without one. */
  List<NDArray> parameters();

  /** {@link #parameters()} of several layers, one after the other. */
  static List<NDArray> parameters(Collection<? extends AdaptableLayer> layers) {
    return layers.stream().flatMap(layer -> layer.parameters().stream()).toList();
  }
}
