package flora.trainer.recipe;

import flora.models.ModelException;
import flora.models.aten.Segments;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.lora.LoraTargets;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import flora.models.stablediffusion.UNet;
import flora.models.train.AdamW;
import flora.models.train.LearningRate;
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
import flora.trainer.checkpoint.LossLog;
import flora.trainer.data.CaptionRules;
import flora.trainer.data.DataOrder;
import flora.trainer.data.SampleList;
import flora.trainer.encode.Latents;
import flora.trainer.encode.Prompts;
import flora.trainer.export.Adapter;
import flora.trainer.export.KohyaFile;
import flora.trainer.export.Provenance;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.function.Supplier;

/**
 * Trains a LoRA for the UNet of a Stable Diffusion model, as diffusers' {@code
 * train_text_to_image_lora.py} does: text encoder and autoencoder are frozen, the UNet learns to
 * tell which noise was mixed into the latents of a captioned picture.
 *
 * <p>All that is random is a pure function of the seed and of the number of the showing, so that a
 * run which goes on from a checkpoint ends with the very same bytes.
 */
public final class StableDiffusionLoraRecipe {

  /**
   * With gradient checkpointing, segments with inputs up to that many bytes are kept all the same.
   */
  private static final long KEPT_INPUT = 1 << 20;

  /** With gradient checkpointing, the weights' pages are given back about four times a step. */
  private static final int DROP_AFTER = 24;

  private static final String STOPPED_BY_VALIDATION = "validation";

  private StableDiffusionLoraRecipe() {}

  /**
   * Trains from the beginning, or on from a checkpoint.
   *
   * @throws RecipeException when the parts do not fit, or the loss is no longer a number
   */
  public static TrainedAdapter train(
      TrainingJob job, Optional<CheckpointStore.Loaded> resumed, TrainingWatch watch) {
    var plan = job.plan();
    var network = plan.network();
    int accumulation = plan.optimizer().gradientAccumulationSteps();
    var samples = SampleList.of(job.pictures(), plan.pictures(), plan.validation(), plan.seed());
    var order =
        new DataOrder(plan.seed(), samples.training(), plan.optimizer().batchSize(), accumulation);
    long total = totalSteps(plan, order);
    long first = resumed.map(loaded -> loaded.state().step()).orElse(0L);
    var config = config(network);

    // the denoiser comes first: weights are mapped, and a wrong target is found before any work
    try (var unet = job.model().unet();
        var lora = adapter(unet, config, plan.seed(), resumed);
        var optimizer = optimizer(lora, plan, resumed);
        var step = new LoraStep(optimizer, plan.optimizer().maxGradNorm());
        var prompts = prompts(job);
        var latents = latents(job, samples)) {
      var schedule = NoiseSchedule.of(job.model().scheduler());
      checkFit(unet, prompts, latents, samples);
      var provenance = provenance(job, unet, schedule, order, total);
      var rate = learningRate(plan, total);
      var computations = segments(unet, plan.compute().gradientCheckpointing());

      var needed = pictures(order, first, total);
      prompts.encodeAll(needed, samples.validation(), watch::proceed);
      latents.encodeAll(needed, samples.validation(), watch::proceed);

      var pieces = new PieceLoss(plan, unet, lora, schedule, latents, prompts);
      var runner =
          new StepRunner(step, pieces, computations, accumulation, plan.optimizer().batchSize());
      var holdout = holdout(plan, unet, schedule, samples, latents, prompts);
      var best = new BestAdapter(job, lora, resumed);
      var losses = new LossLog(resumed.map(l -> l.state().recentLosses()).orElse(List.of()));
      var compute = job.beginning().compute();
      resumed
          .filter(loaded -> !loaded.state().compute().equals(compute))
          .ifPresent(l -> watch.resumedInexactly(first, l.state().compute(), compute));
      watch.started(first, total);
      if (best.isHopeless()) {
        return best.trained(provenance, first, losses, STOPPED_BY_VALIDATION);
      }

      for (long done = first; done < total; done++) {
        double factor = rate.factor(done);
        var outcome = runner.run(done + 1, order.batches(done), factor, watch::proceed);
        losses.add(outcome.loss());
        watch.stepDone(
            new TrainingWatch.StepReport(
                done + 1,
                total,
                outcome.loss(),
                plan.optimizer().learningRate() * factor,
                outcome.gradNorm()));
        boolean last = done + 1 == total;
        if (!holdout.isEmpty() && (last || isDue(done + 1, evaluationEvery(plan, order)))) {
          lora.dropout(null);
          double found = holdout.loss(watch::proceed);
          StepRunner.requireFinite("the loss on held-out pictures", done + 1, found);
          best.add(done + 1, found);
          watch.validated(done + 1, found, Objects.requireNonNull(best.judged()));
          last |= best.isHopeless();
        }
        if (last || isDue(done + 1, savingEvery(plan, order))) {
          var at = provenance.at(done + 1);
          save(job, lora, optimizer, at, best, losses, done + 1, watch);
        }
        if (last && done + 1 < total) {
          return best.trained(provenance, done + 1, losses, STOPPED_BY_VALIDATION);
        }
      }
      return best.trained(provenance, total, losses, null);
    }
  }

  private static boolean isDue(long step, long every) {
    return step % every == 0;
  }

  /** Optimizer steps from checkpoint to checkpoint. */
  private static long savingEvery(TrainingPlan.StableDiffusionLora plan, DataOrder order) {
    var epochs = plan.keep().saveEveryNEpochs();
    return epochs == null ? plan.keep().saveSteps() : order.steps(epochs);
  }

  private static long evaluationEvery(TrainingPlan.StableDiffusionLora plan, DataOrder order) {
    var steps = plan.validation().evalSteps();
    return steps == null ? savingEvery(plan, order) : steps;
  }

  private static Holdout holdout(
      TrainingPlan.StableDiffusionLora plan,
      UNet unet,
      NoiseSchedule schedule,
      SampleList samples,
      Latents latents,
      Prompts prompts) {
    var own = plan.validation().validationSeed();
    return new Holdout(unet, schedule, samples, latents, prompts, own == null ? plan.seed() : own);
  }

  /** diffusers: {@code max_train_steps} wins over {@code num_train_epochs}. */
  private static long totalSteps(TrainingPlan.StableDiffusionLora plan, DataOrder order) {
    var steps = plan.optimizer().maxTrainSteps();
    if (steps != null) {
      return steps;
    }
    var epochs = plan.optimizer().epochs();
    return order.steps(epochs == null ? 1 : epochs);
  }

  private static LoraConfig config(NetworkPlan plan) {
    var dense = new LoraGroup(plan.targetModules(), plan.loraRank(), plan.loraAlpha());
    var config = new LoraConfig(List.of(dense), plan.loraDropout(), plan.useRslora());
    var rank = plan.convRank();
    var alpha = plan.convAlpha();
    return rank == null || alpha == null ? config : config.withConvolutions(rank, alpha);
  }

  private static Lora adapter(
      UNet unet, LoraConfig config, long seed, Optional<CheckpointStore.Loaded> resumed) {
    if (resumed.isEmpty()) {
      return Lora.create(Network.UNET, unet.layers(), config, seed);
    }
    return reading(
        resumed.get(),
        () -> {
          var modules = List.copyOf(LoraTargets.resolve(unet.layers(), config.targets()).keySet());
          var file = resumed.get().folder().resolve(CheckpointManifest.ADAPTER);
          var matrices = new LinkedHashMap<String, LoraState.Matrix>();
          for (var pair : KohyaFile.read(file, modules)) {
            matrices.put(pair.module() + LoraState.A, matrix(pair.down()));
            matrices.put(pair.module() + LoraState.B, matrix(pair.up()));
          }
          return Lora.of(Network.UNET, unet.layers(), config, new LoraState(matrices));
        });
  }

  /** Between versions the keys of the files may have changed. */
  private static <T> T reading(CheckpointStore.Loaded loaded, Supplier<T> read) {
    try {
      return read.get();
    } catch (ModelException | SafetensorsException e) {
      throw new RecipeException.CheckpointUnreadable(loaded.state().step(), e);
    }
  }

  private static AdamW optimizer(
      Lora lora, TrainingPlan.StableDiffusionLora plan, Optional<CheckpointStore.Loaded> resumed) {
    var how = plan.optimizer();
    var settings =
        new AdamW.Settings(how.adamBeta1(), how.adamBeta2(), how.adamEpsilon(), how.weightDecay());
    var optimizer = new AdamW(ParameterGroups.of(Group.of(lora, how.learningRate())), settings);
    if (resumed.isPresent()) {
      var path = resumed.get().folder().resolve(CheckpointManifest.OPTIMIZER);
      return reading(
          resumed.get(),
          () -> {
            try (var file = Checkpoint.open(path)) {
              optimizer.read(file, resumed.get().state().step());
              return optimizer;
            } catch (RuntimeException e) {
              optimizer.close();
              throw e;
            }
          });
    }
    return optimizer;
  }

  private static LearningRate learningRate(TrainingPlan.StableDiffusionLora plan, long total) {
    var ratio = plan.optimizer().lrWarmupRatio();
    long warmup =
        ratio == null ? plan.optimizer().lrWarmupSteps() : (long) (ratio * (double) total);
    return switch (plan.optimizer().lrScheduler()) {
      case CONSTANT -> new LearningRate.Constant();
      case CONSTANT_WITH_WARMUP -> new LearningRate.ConstantWithWarmup(warmup);
      case COSINE -> new LearningRate.Cosine(warmup, total);
    };
  }

  /** How much is kept for the way back; gradients are the same to the bit. */
  private static Supplier<Segments> segments(UNet unet, boolean checkpointing) {
    if (!checkpointing) {
      return Segments::keepingAll;
    }
    var dropPages = unet.pages().map(pages -> pages.every(DROP_AFTER)).orElse(() -> {});
    return () -> new Segments(Segments.Keep.FIT, KEPT_INPUT, dropPages);
  }

  private static Prompts prompts(TrainingJob job) {
    var plan = job.plan();
    return new Prompts(
        job.model().tokenizer(),
        job.model().textEncoder(),
        plan.captions().clipSkip(),
        job.pictures(),
        new CaptionRules(plan.captions(), plan.seed()),
        job.frozen(),
        job.cacheBytes() / 4);
  }

  private static Latents latents(TrainingJob job, SampleList samples) {
    return new Latents(
        job.model().vae(),
        job.pictures(),
        samples,
        job.plan().pictures(),
        job.plan().seed(),
        job.frozen(),
        job.cacheBytes() / 4 * 3);
  }

  private static void checkFit(UNet unet, Prompts prompts, Latents latents, SampleList samples) {
    for (var bucket : samples.buckets()) {
      if (bucket.width() % latents.factor() != 0 || bucket.height() % latents.factor() != 0) {
        throw new RecipeException.ResolutionUnfit(bucket, latents.factor());
      }
    }
    var config = unet.config();
    if (config.inChannels() != latents.channels()) {
      throw new RecipeException.PartsDoNotFit(
          "the UNet takes %d channels, the autoencoder makes %d"
              .formatted(config.inChannels(), latents.channels()));
    }
    for (int size : config.contextSizes()) {
      if (size != prompts.width()) {
        throw new RecipeException.PartsDoNotFit(
            "the UNet takes text of width %d, the text encoder makes %d"
                .formatted(size, prompts.width()));
      }
    }
  }

  private static Provenance provenance(
      TrainingJob job, UNet unet, NoiseSchedule schedule, DataOrder order, long total) {
    // kohya's names: the second generation has OpenCLIP's text of width 1024
    boolean second = unet.config().contextSizes().contains(1024);
    boolean velocity = schedule.prediction() == Prediction.VELOCITY;
    return new Provenance(
        job.name(),
        job.origin().repository(),
        job.origin().commit(),
        job.origin().weights(),
        second ? velocity ? "sd_v2_v" : "sd_v2" : "sd_v1",
        switch (schedule.prediction()) {
          case EPSILON -> "epsilon";
          case SAMPLE -> "sample";
          case VELOCITY -> "v_prediction";
        },
        job.pictures().dataset(),
        job.beginning().dataset(),
        job.pictures().size(),
        job.plan(),
        total,
        Math.ceilDiv(total, order.stepsPerEpoch()));
  }

  /** The pictures of the remaining steps, in the order in which they come. */
  private static SequencedSet<Integer> pictures(DataOrder order, long first, long total) {
    var pictures = new LinkedHashSet<Integer>();
    // after a whole epoch no other can come
    long end = Math.min(total, first + 2 * order.stepsPerEpoch());
    for (long step = first; step < end; step++) {
      order.batches(step).forEach(batch -> batch.draws().forEach(d -> pictures.add(d.picture())));
    }
    return pictures;
  }

  private static void save(
      TrainingJob job,
      Lora lora,
      AdamW optimizer,
      Provenance provenance,
      BestAdapter best,
      LossLog losses,
      long step,
      TrainingWatch watch) {
    Path folder = job.scratch();
    best.write(provenance, step, folder.resolve(CheckpointManifest.BEST));
    KohyaFile.write(Adapter.of(lora), provenance, folder.resolve(CheckpointManifest.ADAPTER));
    var moments = new SafetensorsWriter();
    optimizer.writeTo(moments);
    moments.writeTo(folder.resolve(CheckpointManifest.OPTIMIZER));
    watch.save(job.beginning().at(step, losses, best.judged()), folder);
    losses.checkpointSaved();
  }

  private static LoraState.Matrix matrix(Adapter.Tensor tensor) {
    return new LoraState.Matrix(
        tensor.shape().stream().mapToLong(Long::longValue).toArray(), tensor.values());
  }
}
