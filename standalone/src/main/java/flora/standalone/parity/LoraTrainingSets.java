package flora.standalone.parity;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraState;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.AdamW;
import flora.models.train.DenoisingLoss;
import flora.models.train.LearningRate;
import flora.models.train.LoraStep;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A training run of a Stable Diffusion LoRA, step by step, from the peer's start and data. */
final class LoraTrainingSets implements GoldenKind {
  private static final String UNET = "unet.";
  private static final Set<String> INPUTS =
      Set.of("verify.input_ids", "verify.sample", "verify.timestep", "verify.context");

  private final @Nullable Path exports;

  /**
   * Sets of one kind.
   *
   * @param exports where each trained adapter is written, in a folder of the set's name; null =
   *     nowhere
   */
  LoraTrainingSets(@Nullable Path exports) {
    this.exports = exports;
  }

  @Override
  public boolean handles(GoldenSet set) {
    return set.name().startsWith("sd-lora-");
  }

  @Override
  public void check(GoldenSet set, Comparison out) {
    ModelConfig hyper = set.hyper();
    out.inputs(name -> name.startsWith("init.") || name.startsWith("data."));
    out.inputs(INPUTS::contains);
    hyper.only("te", false).only("optimizer", "AdamW").only("dropout", 0);
    try (var unet = UNet.open(set.model().resolve("unet"));
        var lora = initial(set, unet);
        var optimizer = new AdamW(lora.names(), lora.parameters(), adam(hyper));
        var step = new LoraStep(lora.parameters(), optimizer, hyper.decimal("clip_grad_norm"))) {
      var schedule =
          NoiseSchedule.read(set.model().resolve("scheduler").resolve("scheduler_config.json"));
      var loss =
          new DenoisingLoss(
              unet, schedule, hyper.has("min_snr_gamma") ? hyper.decimal("min_snr_gamma") : null);
      List<NDArray> contexts = contexts(set);
      train(set, loss, contexts, lora, optimizer, step, out);
      if (exports != null) {
        ReplayExport.write(set, hyper, lora, exports.resolve(set.name()));
      }
      weights("final.", lora, out);
      if (set.has("grad_final." + UNET + lora.names().getFirst())) {
        step.accumulate(() -> loss.of(batch(set, 0, contexts.getFirst())), 1);
        gradients("grad_final.", lora, step, out);
      }
      contexts.forEach(NDArray::close);
      verify(set, unet, lora, out);
    }
  }

  private static void train(
      GoldenSet set,
      DenoisingLoss loss,
      List<NDArray> contexts,
      Lora lora,
      AdamW optimizer,
      LoraStep step,
      Comparison out) {
    ModelConfig hyper = set.hyper();
    int steps = hyper.integer("steps");
    int share = hyper.integer("accum");
    LearningRate course = course(hyper, steps);
    var losses = new double[steps];
    var micros = new double[steps * share];
    var norms = new double[steps];
    var rates = new double[steps];
    for (int i = 0; i < steps; i++) {
      for (int k = 0; k < share; k++) {
        int micro = i * share + k;
        micros[micro] =
            step.accumulate(() -> loss.of(batch(set, micro, contexts.get(micro))), share);
        losses[i] += micros[micro] / share;
      }
      if (i == 0) {
        gradients("grad_first.", lora, step, out);
      }
      rates[i] = hyper.decimal("lr") * course.factor(i);
      norms[i] = step.update(rates[i]);
      String snapshot = "step" + (i + 1) + ".";
      if (set.has(snapshot + UNET + lora.names().getFirst())) {
        weights(snapshot, lora, out);
        moments(snapshot, lora, optimizer, out);
      }
    }
    out.tensor("log.loss", losses);
    out.tensor("log.micro", micros);
    out.tensor("log.grad_norm", norms);
    out.tensor("log.lr", rates);
  }

  private static void gradients(String prefix, Lora lora, LoraStep step, Comparison out) {
    List<String> names = lora.names();
    for (int i = 0; i < names.size(); i++) {
      out.tensor(prefix + UNET + names.get(i), step.gradients().get(i).toFloatArray());
    }
  }

  private static void moments(String prefix, Lora lora, AdamW optimizer, Comparison out) {
    List<String> names = lora.names();
    for (int i = 0; i < names.size(); i++) {
      out.tensor(prefix + "exp_avg." + UNET + names.get(i), optimizer.firstMoment(i));
      out.tensor(prefix + "exp_avg_sq." + UNET + names.get(i), optimizer.secondMoment(i));
    }
  }

  private static void weights(String prefix, Lora lora, Comparison out) {
    lora.state()
        .matrices()
        .forEach(
            (name, matrix) -> {
              out.tensor(prefix + UNET + name, matrix.values());
            });
  }

  private static void verify(GoldenSet set, UNet unet, Lora lora, Comparison out) {
    try (var _ = new Scope()) {
      NDArray sample = array(set, "verify.sample");
      NDArray context = array(set, "verify.context");
      long[] times = set.longs("verify.timestep");
      var steps = new float[times.length];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = times[i];
      }
      out.tensor("verify.unet_out", unet.forward(sample, steps, context).toFloatArray());
      lora.strength(0);
      out.tensor("verify.base_unet_out", unet.forward(sample, steps, context).toFloatArray());
    }
  }

  private static Lora initial(GoldenSet set, UNet unet) {
    String prefix = "init." + UNET;
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    for (String name : set.tensors()) {
      if (name.startsWith(prefix)) {
        matrices.put(
            name.substring(prefix.length()),
            new LoraState.Matrix(set.shape(name), set.floats(name)));
      }
    }
    ModelConfig hyper = set.hyper();
    var config =
        new LoraConfig(
            hyper.integer("rank"), hyper.decimal("alpha"), 0, hyper.texts("unet_targets"));
    return Lora.of(unet.layers(), config, new LoraState(matrices));
  }

  private static List<NDArray> contexts(GoldenSet set) {
    long[] ids = set.longs("data.input_ids");
    long[] shape = set.shape("data.input_ids"); // [micro-batches, n, tokens]
    int size = ids.length / (int) shape[0];
    var contexts = new ArrayList<NDArray>();
    try (var encoder = ClipTextEncoder.open(set.model().resolve("text_encoder"))) {
      for (int i = 0; i < shape[0]; i++) {
        long[] batch = Arrays.copyOfRange(ids, i * size, (i + 1) * size);
        try (var scope = new Scope()) {
          contexts.add(scope.keep(encoder.forward(Aten.of(batch, shape[1], shape[2]))));
        }
      }
    }
    return contexts;
  }

  private static DenoisingLoss.Batch batch(GoldenSet set, int micro, NDArray context) {
    long[] times = set.longs("data.timesteps");
    int n = Math.toIntExact(set.shape("data.timesteps")[1]);
    List<Integer> steps =
        Arrays.stream(times, micro * n, (micro + 1) * n).mapToObj(Math::toIntExact).toList();
    return new DenoisingLoss.Batch(
        row(set, "data.latents", micro), row(set, "data.noise", micro), steps, context);
  }

  private static NDArray row(GoldenSet set, String tensor, int row) {
    long[] shape = set.shape(tensor);
    float[] all = set.floats(tensor);
    int size = all.length / (int) shape[0];
    return Aten.of(
        Arrays.copyOfRange(all, row * size, (row + 1) * size),
        Arrays.copyOfRange(shape, 1, shape.length));
  }

  private static NDArray array(GoldenSet set, String tensor) {
    return Aten.of(set.floats(tensor), set.shape(tensor));
  }

  private static AdamW.Settings adam(ModelConfig hyper) {
    List<Double> betas = hyper.decimals("betas");
    return new AdamW.Settings(
        betas.get(0), betas.get(1), hyper.decimal("eps"), hyper.decimal("weight_decay"));
  }

  private static LearningRate course(ModelConfig hyper, int steps) {
    int warmup = hyper.integer("warmup");
    return switch (hyper.text("sched", "constant")) {
      case "constant" -> new LearningRate.Constant();
      case "constant_with_warmup" -> new LearningRate.ConstantWithWarmup(warmup);
      case "linear" -> new LearningRate.Linear(warmup, steps);
      case "cosine" -> new LearningRate.Cosine(warmup, steps);
      default -> throw hyper.unsupported("sched", "supported: constant, linear, cosine");
    };
  }
}
