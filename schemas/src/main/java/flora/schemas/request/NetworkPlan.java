package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says what is trained: which layers get a pair, of which
 * size.
 *
 * @param loraRank rank of a dense layer's pair
 * @param loraAlpha scale = alpha / rank
 * @param loraDropout probability that an input element of an adapter is dropped
 * @param targetModules names of the layers of the UNet that get a pair
 * @param useRslora scale = alpha / √rank, https://arxiv.org/abs/2312.03732; absent = false
 * @param convRank rank of a 3×3 convolution's pair; null = the dense layers'
 * @param convAlpha of the convolutions' scale; never null when there is a {@code convRank}
 * @param trainUnet the UNet learns; absent = true
 * @param trainTextEncoder the text encoder learns, too; absent = false
 * @param textEncoderTargetModules names of its layers that get a pair; absent = its attention's
 * @param initAdapter adapter that training begins with; null = none
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record NetworkPlan(
    @Written int loraRank,
    @Written double loraAlpha,
    @Written double loraDropout,
    @Written List<String> targetModules,
    Boolean useRslora,
    @Nullable Integer convRank,
    @Nullable Double convAlpha,
    Boolean trainUnet,
    Boolean trainTextEncoder,
    List<String> textEncoderTargetModules,
    @Nullable String initAdapter) {

  private static final List<String> ATTENTION = List.of("to_q", "to_k", "to_v", "to_out.0");
  static final List<String> TEXT_ATTENTION = List.of("q_proj", "k_proj", "v_proj", "out_proj");

  public NetworkPlan {
    targetModules = List.copyOf(targetModules);
    useRslora = useRslora == null ? false : useRslora;
    convAlpha = convAlpha == null && convRank != null ? Double.valueOf(convRank) : convAlpha;
    trainUnet = trainUnet == null ? true : trainUnet;
    trainTextEncoder = trainTextEncoder == null ? false : trainTextEncoder;
    textEncoderTargetModules =
        textEncoderTargetModules == null ? TEXT_ATTENTION : List.copyOf(textEncoderTargetModules);
  }

  /** What holds when nothing is said. */
  NetworkPlan() {
    this(8, 16, 0.1, ATTENTION, false, null, null, true, false, TEXT_ATTENTION, null);
  }

  /** Pairs of one size, for the UNet alone. */
  public static NetworkPlan of(int rank, double alpha, double dropout, List<String> targets) {
    return new NetworkPlan(
        rank, alpha, dropout, targets, false, null, null, true, false, TEXT_ATTENTION, null);
  }
}
