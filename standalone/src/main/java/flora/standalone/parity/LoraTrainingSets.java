package flora.standalone.parity;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.AdamW;
import flora.models.train.DenoisingLoss;
import flora.models.train.LearningRate;
import flora.models.train.LoraStep;
import flora.models.train.Objective;
import flora.models.train.ParameterGroups;
import flora.models.train.ParameterGroups.Group;
import flora.models.weights.AdaptableLayer;
import flora.trainer.export.Adapter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/** A training run of a Stable Diffusion LoRA, step by step, from the peer's start and data. */
final class LoraTrainingSets implements GoldenKind {
  private static final Set<String> INPUTS =
      Set.of("verify.input_ids", "verify.sample", "verify.timestep");

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
    hyper.only("optimizer", "AdamW").only("dropout", 0);
    boolean readsTrained = hyper.flag("te", false);
    if (!readsTrained) {
      out.inputs("verify.context"::equals);
    }
    Path text = set.model().resolve("text_encoder");
    try (var unet = UNet.open(set.model().resolve("unet"));
        var encoder = ClipTextEncoder.open(text);
        var lora = initial(set, Network.UNET, unet.layers(), hyper.texts("unet_targets"));
        var textLora =
            readsTrained
                ? initial(set, Network.TEXT_ENCODER, encoder.layers(), hyper.texts("te_targets"))
                : null;
        var optimizer = new AdamW(groups(hyper, lora, textLora), adam(hyper));
        var step = new LoraStep(optimizer, hyper.decimal("clip_grad_norm"))) {
      var schedule =
          NoiseSchedule.read(set.model().resolve("scheduler").resolve("scheduler_config.json"));
      Double gamma = hyper.has("min_snr_gamma") ? hyper.decimal("min_snr_gamma") : null;
      var loss = new DenoisingLoss(unet, schedule, Objective.of(schedule, gamma));
      var replay = new Replay(set, encoder, loss, optimizer, step, out);
      replay.train();
      if (exports != null) {
        var adapter = textLora == null ? Adapter.of(lora) : Adapter.of(lora, textLora);
        ReplayExport.write(set, hyper, adapter, exports.resolve(set.name()));
      }
      replay.weights("final.");
      if (set.has("grad_final." + optimizer.groups().names().getFirst())) {
        replay.accumulate(0, 1);
        replay.gradients("grad_final.");
      }
      verify(set, unet, encoder, lora, textLora, out);
    }
  }

  /** A training from its first step to its last. */
  private record Replay(
      GoldenSet set,
      ClipTextEncoder encoder,
      DenoisingLoss loss,
      AdamW optimizer,
      LoraStep step,
      Comparison out) {

    void train() {
      ModelConfig hyper = set.hyper();
      int steps = hyper.integer("steps");
      int share = hyper.integer("accum");
      List<Group> groups = optimizer.groups().groups();
      LearningRate course = course(hyper, steps);
      var losses = new double[steps];
      var micros = new double[steps * share];
      var norms = new double[steps];
      var rates = new double[steps * groups.size()];
      for (int i = 0; i < steps; i++) {
        for (int micro = i * share; micro < (i + 1) * share; micro++) {
          micros[micro] = accumulate(micro, share);
          losses[i] += micros[micro] / share;
        }
        if (i == 0) {
          gradients("grad_first.");
        }
        double factor = course.factor(i);
        for (int group = 0; group < groups.size(); group++) {
          rates[i * groups.size() + group] = groups.get(group).rate() * factor;
        }
        norms[i] = step.update(factor);
        String snapshot = "step" + (i + 1) + ".";
        if (set.has(snapshot + optimizer.groups().names().getFirst())) {
          weights(snapshot);
          moments(snapshot);
        }
      }
      out.tensor("log.loss", losses);
      out.tensor("log.micro", micros);
      out.tensor("log.grad_norm", norms);
      out.tensor("log.lr", rates);
    }

    /** A micro-batch, text encoder included: it records nothing where it is not trained. */
    double accumulate(int micro, int share) {
      try (var _ = new Scope();
          var segments = Segments.keepingAll()) {
        int ids = segments.input(ids(micro), false);
        int context = encoder.forward(segments, ids, 0);
        var batch = batch(micro, segments.value(context));
        return step.accumulate(segments, loss.of(segments, batch, context), share);
      }
    }

    private NDArray ids(int micro) {
      long[] shape = set.shape("data.input_ids"); // [micro-batches, n, tokens]
      int size = Math.toIntExact(shape[1] * shape[2]);
      long[] ids =
          Arrays.copyOfRange(set.longs("data.input_ids"), micro * size, (micro + 1) * size);
      return Aten.of(ids, shape[1], shape[2]);
    }

    private DenoisingLoss.Batch batch(int micro, NDArray context) {
      long[] times = set.longs("data.timesteps");
      int n = Math.toIntExact(set.shape("data.timesteps")[1]);
      List<Integer> steps =
          Arrays.stream(times, micro * n, (micro + 1) * n).mapToObj(Math::toIntExact).toList();
      return new DenoisingLoss.Batch(
          row("data.latents", micro), row("data.noise", micro), steps, context);
    }

    private NDArray row(String tensor, int row) {
      long[] shape = set.shape(tensor);
      float[] all = set.floats(tensor);
      int size = all.length / (int) shape[0];
      return Aten.of(
          Arrays.copyOfRange(all, row * size, (row + 1) * size),
          Arrays.copyOfRange(shape, 1, shape.length));
    }

    void gradients(String prefix) {
      each((name, i) -> out.tensor(prefix + name, step.gradients().get(i).toFloatArray()));
    }

    void weights(String prefix) {
      List<NDArray> parameters = optimizer.groups().parameters();
      each((name, i) -> out.tensor(prefix + name, parameters.get(i).toFloatArray()));
    }

    private void moments(String prefix) {
      each((name, i) -> out.tensor(prefix + "exp_avg." + name, optimizer.firstMoment(i)));
      each((name, i) -> out.tensor(prefix + "exp_avg_sq." + name, optimizer.secondMoment(i)));
    }

    private void each(ObjIntConsumer<String> parameter) {
      List<String> names = optimizer.groups().names();
      for (int i = 0; i < names.size(); i++) {
        parameter.accept(names.get(i), i);
      }
    }
  }

  private static void verify(
      GoldenSet set,
      UNet unet,
      ClipTextEncoder encoder,
      Lora lora,
      @Nullable Lora textLora,
      Comparison out) {
    try (var _ = new Scope()) {
      NDArray sample = array(set, "verify.sample");
      long[] times = set.longs("verify.timestep");
      var steps = new float[times.length];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = times[i];
      }
      NDArray ids = Aten.of(set.longs("verify.input_ids"), set.shape("verify.input_ids"));
      NDArray context = encoder.forward(ids);
      if (textLora != null) {
        out.tensor("verify.context", context.toFloatArray());
      }
      out.tensor("verify.unet_out", unet.forward(sample, steps, context).toFloatArray());
      lora.strength(0);
      if (textLora != null) {
        textLora.strength(0);
        context = encoder.forward(ids);
      }
      out.tensor("verify.base_unet_out", unet.forward(sample, steps, context).toFloatArray());
    }
  }

  private static Lora initial(
      GoldenSet set, Network network, Map<String, AdaptableLayer> layers, List<String> targets) {
    String prefix = "init." + network.word() + ".";
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    for (String name : set.tensors()) {
      if (name.startsWith(prefix)) {
        matrices.put(
            name.substring(prefix.length()),
            new LoraState.Matrix(set.shape(name), set.floats(name)));
      }
    }
    ModelConfig hyper = set.hyper();
    var config = LoraConfig.of(hyper.integer("rank"), hyper.decimal("alpha"), 0, targets);
    return Lora.of(network, layers, config, new LoraState(matrices));
  }

  private static ParameterGroups groups(ModelConfig hyper, Lora lora, @Nullable Lora textLora) {
    var groups = new ArrayList<Group>();
    groups.add(Group.of(lora, hyper.decimal("lr")));
    if (textLora != null) {
      groups.add(Group.of(textLora, hyper.decimal("te_lr", hyper.decimal("lr"))));
    }
    return new ParameterGroups(groups);
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
