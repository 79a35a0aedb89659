package flora.trainer.recipe;

import flora.models.ModelException;
import flora.models.aten.Foreach;
import flora.models.aten.Segments;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Dropout;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.random.RandomStream;
import flora.models.stablediffusion.UNet;
import flora.models.train.AdamW;
import flora.models.train.Ema;
import flora.models.train.LoraStep;
import flora.models.train.ParameterGroups;
import flora.models.train.ParameterGroups.Group;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.training.CheckpointManifest;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsException;
import flora.tensors.SafetensorsWriter;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.export.Adapter;
import flora.trainer.export.KohyaFile;
import flora.trainer.export.Provenance;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The networks that learn, and all that a step changes: their adapters, what AdamW remembers of
 * each matrix, and the moving average where there is one. The UNet is here even if it does not
 * learn.
 */
final class TrainedNetworks implements AutoCloseable {

  /** An adapter, and the chances of its inputs. */
  private record Learner(Lora lora, RandomStream drops) {}

  /** An end of {@link #atRest}. */
  interface Rest extends AutoCloseable {
    @Override
    void close();
  }

  private final Deque<Runnable> closing = new ArrayDeque<>();
  private final List<Learner> learners = new ArrayList<>();
  private final UNet unet;
  private final @Nullable ClipTextEncoder textEncoder;
  private final double dropout;
  private final AdamW optimizer;
  private final LoraStep step;
  private final @Nullable Ema ema;

  private TrainedNetworks(TrainingJob job) {
    var plan = job.plan();
    var how = plan.optimizer();
    try {
      dropout = plan.network().loraDropout();
      unet = job.model().unet();
      closing.push(unet::close);
      if (plan.network().trainUnet()) {
        learn(Lora.create(Network.UNET, unet.layers(), config(plan.network()), plan.seed()), plan);
      }
      textEncoder = plan.network().trainTextEncoder() ? job.model().textEncoder() : null;
      if (textEncoder != null) {
        closing.push(textEncoder::close);
        var layers = textEncoder.layers(job.skippedLayers(textEncoder));
        var config = textConfig(plan.network());
        learn(Lora.create(Network.TEXT_ENCODER, layers, config, plan.seed()), plan);
      }
      begin(job, unet, textEncoder);
      var settings =
          new AdamW.Settings(
              how.adamBeta1(), how.adamBeta2(), how.adamEpsilon(), how.weightDecay());
      optimizer = new AdamW(groups(plan), settings);
      closing.push(optimizer::close);
      step = new LoraStep(optimizer, how.maxGradNorm());
      closing.push(step::close);
      var decay = how.emaDecay();
      ema = decay == null ? null : new Ema(optimizer.groups(), decay);
      if (ema != null) {
        closing.push(ema::close);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Opens them as they are before the first step, or as a checkpoint saved them. */
  static TrainedNetworks open(TrainingJob job, Optional<CheckpointStore.Loaded> resumed) {
    var networks = new TrainedNetworks(job);
    try {
      resumed.ifPresent(networks::load);
      return networks;
    } catch (RuntimeException e) {
      networks.close();
      throw e;
    }
  }

  private void learn(Lora lora, TrainingPlan.StableDiffusionLora plan) {
    closing.push(lora::close);
    var drops = RandomStream.of(plan.seed(), "dropout/" + lora.network().word());
    learners.add(new Learner(lora, drops));
  }

  private void begin(TrainingJob job, UNet unet, @Nullable ClipTextEncoder textEncoder) {
    var file = job.init();
    var reference = job.plan().network().initAdapter();
    if (file != null && reference != null) {
      StartingAdapter.load(
          file,
          reference,
          adapters(),
          network ->
              switch (network) {
                case UNET -> unet.layers().keySet();
                case TEXT_ENCODER -> textEncoder == null ? Set.of() : textEncoder.layers().keySet();
              });
    }
  }

  private static LoraConfig config(NetworkPlan plan) {
    var dense = new LoraGroup(plan.targetModules(), plan.loraRank(), plan.loraAlpha());
    var config = new LoraConfig(List.of(dense), plan.loraDropout(), plan.useRslora());
    var rank = plan.convRank();
    var alpha = plan.convAlpha();
    return rank == null || alpha == null ? config : config.withConvolutions(rank, alpha);
  }

  private static LoraConfig textConfig(NetworkPlan plan) {
    var group = new LoraGroup(plan.textEncoderTargetModules(), plan.loraRank(), plan.loraAlpha());
    return new LoraConfig(List.of(group), plan.loraDropout(), plan.useRslora());
  }

  private ParameterGroups groups(TrainingPlan.StableDiffusionLora plan) {
    double rate = plan.optimizer().learningRate();
    var own = plan.optimizer().textEncoderLr();
    var groups = new ArrayList<Group>();
    for (var learner : learners) {
      boolean text = learner.lora().network() == Network.TEXT_ENCODER;
      groups.add(Group.of(learner.lora(), text && own != null ? own : rate));
    }
    return new ParameterGroups(groups);
  }

  UNet unet() {
    return unet;
  }

  /** The text encoder, if it learns. */
  Optional<ClipTextEncoder> textEncoder() {
    return Optional.ofNullable(textEncoder);
  }

  List<Lora> adapters() {
    return learners.stream().map(Learner::lora).toList();
  }

  /** What the factor of a step multiplies: the UNet's rate, if it learns. */
  double rate() {
    return optimizer.groups().groups().getFirst().rate();
  }

  /**
   * From now on some inputs of the adapters are dropped.
   *
   * @param showings the numbers of a batch's showings, which decide what is dropped
   */
  void dropInputs(long[] showings) {
    if (dropout > 0) {
      learners.forEach(l -> l.lora().dropout(Dropout.of(l.drops(), showings, dropout)));
    }
  }

  /**
   * Differentiates a loss and adds its gradients to those of the step.
   *
   * @return the loss
   */
  double accumulate(Segments segments, int loss) {
    return step.accumulate(segments, loss, 1);
  }

  /**
   * Applies the gradients of the step.
   *
   * @param factor of every rate
   * @return their total norm before clipping
   */
  double update(double factor) {
    double norm = step.update(factor);
    if (ema != null) {
      ema.update(optimizer.steps());
    }
    return norm;
  }

  /** Drops what {@link #accumulate} has summed. */
  void forgetGradients() {
    step.clear();
  }

  /**
   * The networks as they are handed out until the end of the rest: nothing is dropped, and the
   * moving average stands in the place of what is learned.
   */
  Rest atRest() {
    learners.forEach(learner -> learner.lora().dropout(null));
    if (ema == null) {
      return () -> {};
    }
    return ema.swapIn()::close;
  }

  /** A copy of what is handed out. */
  Adapter adapter() {
    try (var _ = atRest()) {
      return Adapter.of(adapters().toArray(Lora[]::new));
    }
  }

  /** Whether all that is learned is numbers. */
  boolean isFinite() {
    return Foreach.isFinite(optimizer.groups().parameters());
  }

  /** Copies what a step changes; what is returned writes the copy's files, on any thread. */
  Consumer<Path> snapshot(Provenance provenance) {
    var learned = Adapter.of(adapters().toArray(Lora[]::new));
    var moments = new SafetensorsWriter();
    optimizer.writeTo(moments);
    var average = new SafetensorsWriter();
    if (ema != null) {
      ema.writeTo(average);
    }
    return folder -> {
      KohyaFile.write(learned, provenance, folder.resolve(CheckpointManifest.ADAPTER));
      moments.writeTo(folder.resolve(CheckpointManifest.OPTIMIZER));
      if (ema != null) {
        average.writeTo(folder.resolve(CheckpointManifest.EMA));
      }
    };
  }

  /**
   * Puts back what a {@link #snapshot} has written, and forgets the gradients of a step.
   *
   * @throws RecipeException.CheckpointUnreadable when the files are of something else
   */
  void load(CheckpointStore.Loaded checkpoint) {
    step.clear();
    var folder = checkpoint.folder();
    long steps = checkpoint.state().step();
    try {
      for (var lora : adapters()) {
        lora.load(state(folder.resolve(CheckpointManifest.ADAPTER), lora));
      }
      try (var file = Checkpoint.open(folder.resolve(CheckpointManifest.OPTIMIZER))) {
        optimizer.read(file, steps);
      }
      if (ema != null) {
        try (var file = Checkpoint.open(folder.resolve(CheckpointManifest.EMA))) {
          ema.read(file);
        }
      }
    } catch (ModelException | SafetensorsException e) {
      throw new RecipeException.CheckpointUnreadable(steps, e);
    }
  }

  private static LoraState state(Path file, Lora lora) {
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    for (var pair : KohyaFile.read(file, lora.network(), lora.layers())) {
      matrices.put(pair.module() + LoraState.A, pair.down().matrix());
      matrices.put(pair.module() + LoraState.B, pair.up().matrix());
    }
    return new LoraState(matrices);
  }

  @Override
  public void close() {
    while (!closing.isEmpty()) {
      closing.pop().run();
    }
  }
}
