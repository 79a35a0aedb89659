package flora.models.lora;

/**
 * The names that programs store an adapter's matrices under; the only place that knows them.
 *
 * <p>{@code layer} is a layer's path in its network, for instance {@code
 * mid_block.attentions.0.proj_in}.
 */
public enum LoraKeys {
  /** peft: {@code base_model.model.LAYER.lora_A.weight}; UNet and text encoder in two files. */
  PEFT {
    @Override
    public String a(Network network, String layer) {
      return "base_model.model." + layer + LoraState.A;
    }

    @Override
    public String b(Network network, String layer) {
      return "base_model.model." + layer + LoraState.B;
    }
  },

  /**
   * diffusers: {@code unet.LAYER.lora.down.weight}, {@code
   * text_encoder.LAYER.lora_linear_layer.down.weight}.
   */
  DIFFUSERS {
    @Override
    public String a(Network network, String layer) {
      return layer(network, layer) + ".down.weight";
    }

    @Override
    public String b(Network network, String layer) {
      return layer(network, layer) + ".up.weight";
    }

    private String layer(Network network, String layer) {
      return switch (network) {
        case UNET -> "unet." + layer + ".lora";
        case TEXT_ENCODER -> "text_encoder." + layer + ".lora_linear_layer";
      };
    }
  },

  /** diffusers since it builds on peft: {@code unet.LAYER.lora_A.weight}. */
  DIFFUSERS_PEFT {
    @Override
    public String a(Network network, String layer) {
      return DIFFUSERS_PEFT.prefix(network) + layer + LoraState.A;
    }

    @Override
    public String b(Network network, String layer) {
      return DIFFUSERS_PEFT.prefix(network) + layer + LoraState.B;
    }
  },

  /** kohya's sd-scripts: {@code lora_unet_LAYER.lora_down.weight}, dots as underscores. */
  KOHYA {
    @Override
    public String a(Network network, String layer) {
      return KOHYA.prefix(network) + layer.replace('.', '_') + ".lora_down.weight";
    }

    @Override
    public String b(Network network, String layer) {
      return KOHYA.prefix(network) + layer.replace('.', '_') + ".lora_up.weight";
    }
  };

  /** What is adapted. */
  public enum Network {
    UNET("unet"),
    TEXT_ENCODER("text_encoder");

    private final String word;

    Network(String word) {
      this.word = word;
    }

    /** Its folder in diffusers' layout. */
    public String word() {
      return word;
    }
  }

  /** The key of a layer's A. */
  public abstract String a(Network network, String layer);

  /** The key of a layer's B. */
  public abstract String b(Network network, String layer);

  /** The key under which kohya stores a layer's alpha, a scalar. */
  public static String alpha(Network network, String layer) {
    return KOHYA.prefix(network) + layer.replace('.', '_') + ".alpha";
  }

  /** What all keys of a network begin with; peft's keys do not tell the network. */
  String prefix(Network network) {
    return switch (this) {
      case PEFT -> "base_model.model.";
      case DIFFUSERS, DIFFUSERS_PEFT -> network.word() + ".";
      case KOHYA ->
          switch (network) {
            case UNET -> "lora_unet_";
            case TEXT_ENCODER -> "lora_te_";
          };
    };
  }
}
