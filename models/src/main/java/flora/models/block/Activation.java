package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import java.util.Arrays;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The activation functions that configuration files name. */
public enum Activation {
  SILU("silu", "swish") {
    @Override
    String fused() {
      return "swish";
    }

    @Override
    public NDArray apply(NDArray x) {
      return Aten.silu(x);
    }
  },
  GELU("gelu") {
    @Override
    String fused() {
      return "gelu";
    }

    @Override
    public NDArray apply(NDArray x) {
      return Aten.gelu(x);
    }
  },
  GELU_TANH("gelu_new", "gelu_pytorch_tanh") {
    @Override
    public NDArray apply(NDArray x) {
      return Aten.geluTanh(x);
    }
  },
  QUICK_GELU("quick_gelu") {
    @Override
    public NDArray apply(NDArray x) {
      return Aten.quickGelu(x);
    }
  },
  RELU("relu") {
    @Override
    String fused() {
      return "relu";
    }

    @Override
    public NDArray apply(NDArray x) {
      return Aten.relu(x);
    }
  };

  private final String[] names;

  Activation(String... names) {
    this.names = names;
  }

  public abstract NDArray apply(NDArray x);

  /** What a product that computes the activation on its way out calls it; null if it cannot. */
  @Nullable String fused() {
    return null;
  }

  /**
   * A product with an activation, on its way out or behind it.
   *
   * @param product given the name of an activation, or {@code none}
   */
  static NDArray after(@Nullable Activation activation, Function<String, NDArray> product) {
    if (activation == null) {
      return product.apply("none");
    }
    String fused = activation.fused();
    return fused == null ? activation.apply(product.apply("none")) : product.apply(fused);
  }

  /**
   * The activation that a key of a configuration names.
   *
   * @throws flora.models.ModelException.Unsupported if it names one that is not here
   */
  public static Activation of(ModelConfig config, String key, String absent) {
    String name = config.text(key, absent);
    for (Activation each : values()) {
      if (Arrays.asList(each.names).contains(name)) {
        return each;
      }
    }
    throw config.unsupported(
        key,
        "supported: "
            + Arrays.stream(values()).flatMap(each -> Arrays.stream(each.names)).toList());
  }
}
