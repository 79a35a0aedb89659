package flora.trainer.recipe;

import flora.models.aten.Segments;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import flora.models.stablediffusion.UNet;
import flora.models.train.LearningRate;
import flora.models.train.Objective;
import flora.schemas.request.ObjectivePlan;
import flora.schemas.request.TrainingPlan;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.Journal;
import flora.trainer.checkpoint.LossLog;
import flora.trainer.data.CaptionRules;
import flora.trainer.data.DataOrder;
import flora.trainer.data.SampleList;
import flora.trainer.encode.Latents;
import flora.trainer.encode.Prompts;
import flora.trainer.export.Provenance;
import flora.trainer.export.Shown;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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
  private static final String STOPPED_BY_TIME = "time";

  private final TrainingJob job;
  private final TrainingPlan.StableDiffusionLora plan;
  private final TrainingWatch watch;
  private final DataOrder order;
  private final long total;
  private final TrainedNetworks networks;
  private final SampleList samples;
  private final Prompts prompts;
  private final Latents latents;
  private final NoiseSchedule schedule;
  private final Objective objective;
  private final PreviewDrawer drawer;

  private Journal journal = Journal.NONE;

  private StableDiffusionLoraRecipe(
      TrainingJob job,
      TrainingWatch watch,
      DataOrder order,
      long total,
      TrainedNetworks networks,
      SampleList samples,
      Prompts prompts,
      Latents latents) {
    this.job = job;
    this.plan = job.plan();
    this.watch = watch;
    this.order = order;
    this.total = total;
    this.networks = networks;
    this.samples = samples;
    this.prompts = prompts;
    this.latents = latents;
    this.schedule = schedule(job);
    this.objective = objective(plan.objective(), schedule);
    this.drawer = new PreviewDrawer(job, networks, objective.prediction());
  }

  /**
   * Trains from the beginning, or on from a checkpoint.
   *
   * @throws RecipeException when the parts do not fit, or the loss stays no number
   */
  public static TrainedAdapter train(
      TrainingJob job, Optional<CheckpointStore.Loaded> resumed, TrainingWatch watch) {
    var plan = job.plan();
    int accumulation = plan.optimizer().gradientAccumulationSteps();
    var samples = SampleList.of(job.pictures(), plan.pictures(), plan.validation(), plan.seed());
    var order =
        new DataOrder(plan.seed(), samples.training(), plan.optimizer().batchSize(), accumulation);
    long total = totalSteps(plan, order);

    // the denoiser comes first: weights are mapped, and a wrong target is found before any work
    try (var networks = TrainedNetworks.open(job, resumed);
        var prompts = prompts(job, networks);
        var latents = latents(job, samples)) {
      checkFit(networks.unet(), prompts, latents, samples);
      var recipe =
          new StableDiffusionLoraRecipe(
              job, watch, order, total, networks, samples, prompts, latents);
      var needed = pictures(order, step(resumed), total);
      prompts.encodeAll(needed, samples.validation(), watch::mayPause);
      latents.encodeAll(needed, samples.validation(), watch::mayPause);
      return recipe.train(resumed);
    }
  }

  /** Goes back to what was saved last, at half the rate, where numbers are no longer finite. */
  private TrainedAdapter train(Optional<CheckpointStore.Loaded> resumed) {
    var compute = job.beginning().compute();
    resumed
        .map(CheckpointStore.Loaded::state)
        .filter(state -> !state.compute().equals(compute))
        .ifPresent(state -> watch.resumedInexactly(state.step(), state.compute(), compute));
    var from =
        resumed.orElseGet(
            () -> watch.begun(job.beginning(), networks.snapshot(provenance().at(0))));
    journal = from.state().journal();
    watch.started(from.state().step(), total);
    if (plan.previews().previewAtFirst() && from.state().step() == 0) {
      preview(0);
    }
    while (true) {
      try {
        return learn(from);
      } catch (RecipeException.LossNotFinite e) {
        journal = journal.rolledBack().orElseThrow(() -> e);
        from = watch.saved().orElse(from);
        networks.load(from);
        watch.rolledBack(e.step(), from.state().step(), journal, String.valueOf(e.getMessage()));
      }
    }
  }

  /** From a checkpoint, or the beginning, to the end. */
  private TrainedAdapter learn(CheckpointStore.Loaded from) {
    var provenance = provenance();
    var rate = learningRate(plan, total);
    var runner = runner();
    var holdout = holdout();
    var best = new BestAdapter(job, networks, from);
    var losses = new LossLog(from.state().recentLosses());
    long first = from.state().step();
    var over = stopped(best);
    if (over != null && first > 0) {
      return best.trained(provenance, first, losses, first == total ? null : over);
    }
    for (long done = first + 1; done <= total; done++) {
      double factor = journal.rateFactor() * rate.factor(done - 1);
      long begun = job.nanoTime().getAsLong();
      var outcome = runner.run(done, order.batches(done - 1), factor, watch::proceed);
      journal = journal.after((job.nanoTime().getAsLong() - begun) / 1e9);
      losses.add(outcome.loss());
      watch.stepDone(
          new TrainingWatch.StepReport(
              done, total, outcome.loss(), networks.rate() * factor, outcome.gradNorm()));

      boolean last = done == total || isTimeOver();
      if (!holdout.isEmpty() && (last || isDue(done, evaluationEvery()))) {
        double found;
        try (var _ = networks.atRest()) {
          found = holdout.loss(watch::proceed);
        }
        StepRunner.requireFinite("the loss on held-out pictures", done, found);
        best.add(done, found);
        watch.validated(done, found, Objects.requireNonNull(best.judged()));
      }
      over = stopped(best);
      last |= over != null;
      boolean isReduced = tellReduced(runner, done);
      var wishes = watch.wishes();
      boolean isAsked = wishes.saves() > journal.savesDone() || wishes.pause();
      if (!last && (isAsked || isReduced || isDue(done, savingEvery()))) {
        // drawing may take long, or fail: the steps before it are safe then
        journal = journal.fulfilled(wishes.saves(), journal.previewsDone());
        save(provenance.at(done), best, losses, done);
      }
      if (last || wishes.previews() > journal.previewsDone() || isDue(done, previewEvery())) {
        preview(done);
      }
      journal = journal.fulfilled(wishes.saves(), wishes.previews());
      if (last) {
        save(provenance.at(done), best, losses, done);
        return best.trained(provenance, done, losses, done == total ? null : over);
      }
      if (wishes.pause()) {
        watch.mayPause();
      }
    }
    return best.trained(provenance, total, losses, null);
  }

  private void preview(long step) {
    int number = 0;
    for (var preview : drawer.draw(watch::proceed)) {
      watch.previewed(step, number++, preview.prompt(), preview.seed(), preview.picture());
    }
  }

  /** Why there are no more steps; null = there are. */
  private @Nullable String stopped(BestAdapter best) {
    if (isTimeOver()) {
      return STOPPED_BY_TIME;
    }
    return best.isHopeless() ? STOPPED_BY_VALIDATION : null;
  }

  private boolean isTimeOver() {
    var limit = plan.optimizer().maxTrainTime();
    return limit != null && journal.secondsTrained() >= limit.toNanos() / 1e9;
  }

  /** Whether a step did not fit into memory; the size that did is kept. */
  private boolean tellReduced(StepRunner runner, long step) {
    int batch = plan.optimizer().batchSize();
    var before = journal.pieceSize();
    int size = runner.pieceSize();
    if (size == (before == null ? batch : before)) {
      return false;
    }
    journal = journal.inPiecesOf(size);
    int pieces = Math.ceilDiv(batch, size) * plan.optimizer().gradientAccumulationSteps();
    watch.batchReduced(step, size, pieces);
    return true;
  }

  private void save(Provenance provenance, BestAdapter best, LossLog losses, long step) {
    if (!networks.isFinite()) {
      throw new RecipeException.LossNotFinite(step, "the adapter", Double.NaN);
    }
    var files = networks.snapshot(provenance).andThen(best.snapshot(provenance, step));
    watch.save(job.beginning().at(step, losses, best.judged(), journal), files);
    losses.checkpointSaved();
  }

  private StepRunner runner() {
    var pieceSize = journal.pieceSize();
    var pieces = new PieceLoss(plan.seed(), networks, schedule, objective, latents, prompts);
    return new StepRunner(
        networks,
        pieces,
        segments(networks.unet(), plan.compute().gradientCheckpointing()),
        plan.optimizer().gradientAccumulationSteps(),
        pieceSize == null ? plan.optimizer().batchSize() : pieceSize);
  }

  private static long step(Optional<CheckpointStore.Loaded> from) {
    return from.map(loaded -> loaded.state().step()).orElse(0L);
  }

  private static boolean isDue(long step, long every) {
    return step % every == 0;
  }

  /** Optimizer steps from checkpoint to checkpoint. */
  private long savingEvery() {
    var epochs = plan.keep().saveEveryNEpochs();
    return epochs == null ? plan.keep().saveSteps() : order.steps(epochs);
  }

  private long evaluationEvery() {
    var steps = plan.validation().evalSteps();
    return steps == null ? savingEvery() : steps;
  }

  private long previewEvery() {
    var steps = plan.previews().previewSteps();
    return steps == null ? savingEvery() : steps;
  }

  private Holdout holdout() {
    var own = plan.validation().validationSeed();
    long seed = own == null ? plan.seed() : own;
    return new Holdout(networks.unet(), schedule, objective, samples, latents, prompts, seed);
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

  private static NoiseSchedule schedule(TrainingJob job) {
    var schedule = NoiseSchedule.of(job.model().scheduler());
    return job.plan().objective().zeroTerminalSnr() ? schedule.withZeroTerminalSnr() : schedule;
  }

  static Objective objective(ObjectivePlan plan, NoiseSchedule schedule) {
    var wanted = plan.predictionType();
    var prediction =
        switch (wanted) {
          case null -> schedule.prediction();
          case EPSILON -> Prediction.EPSILON;
          case SAMPLE -> Prediction.SAMPLE;
          case VELOCITY -> Prediction.VELOCITY;
        };
    var least = plan.minTimestep();
    var most = plan.maxTimestep();
    int from = least == null ? 0 : least;
    int to = most == null ? schedule.steps() : most;
    if (to > schedule.steps() || from >= to) {
      throw new RecipeException.ObjectiveUnfit(
          "min_timestep %d and max_timestep %d name no timesteps of the model, which has %d"
              .formatted(from, to, schedule.steps()),
          "leave them out, or write numbers below");
    }
    // with noise alone there is nothing to learn about it, and its weight is 0/0
    boolean endsInNoise = schedule.snr(schedule.steps() - 1) == 0;
    if (endsInNoise
        && prediction == Prediction.EPSILON
        && (plan.zeroTerminalSnr() || plan.snrGamma() != null)) {
      throw new RecipeException.ObjectiveUnfit(
          "the last timestep is pure noise, of which a model that predicts epsilon learns nothing",
          "write prediction_type: v_prediction where the model predicts that, or leave"
              + " zero_terminal_snr and snr_gamma out");
    }
    return new Objective(prediction, plan.snrGamma(), plan.noiseOffset(), loss(plan), from, to);
  }

  private static Objective.Loss loss(ObjectivePlan plan) {
    var by =
        switch (plan.huberSchedule()) {
          case CONSTANT -> Objective.Schedule.CONSTANT;
          case EXPONENTIAL -> Objective.Schedule.EXPONENTIAL;
          case SNR -> Objective.Schedule.SNR;
        };
    return switch (plan.lossType()) {
      case L2 -> new Objective.Loss.L2();
      case L1 -> new Objective.Loss.L1();
      case HUBER -> new Objective.Loss.Huber(plan.huberC(), by);
      case SMOOTH_L1 -> new Objective.Loss.SmoothL1(plan.huberC(), by);
    };
  }

  static LearningRate learningRate(TrainingPlan.StableDiffusionLora plan, long total) {
    var how = plan.optimizer();
    var ratio = how.lrWarmupRatio();
    long warmup = ratio == null ? how.lrWarmupSteps() : (long) (ratio * (double) total);
    return switch (how.lrScheduler()) {
      case CONSTANT -> new LearningRate.Constant();
      case CONSTANT_WITH_WARMUP -> new LearningRate.ConstantWithWarmup(warmup);
      case LINEAR -> new LearningRate.Linear(warmup, total);
      case COSINE -> new LearningRate.Cosine(warmup, total);
      case COSINE_WITH_RESTARTS ->
          new LearningRate.CosineWithRestarts(warmup, total, how.lrNumCycles());
      case POLYNOMIAL ->
          new LearningRate.Polynomial(
              warmup, total, how.lrPower(), LearningRate.Polynomial.LAST / how.learningRate());
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

  private static Prompts prompts(TrainingJob job, TrainedNetworks networks) {
    var plan = job.plan();
    var learning = networks.textEncoder();
    var encoder = learning.orElseGet(job.model()::textEncoder);
    try {
      job.skippedLayers(encoder);
      return new Prompts(
          job.model().tokenizer(),
          encoder,
          learning.isPresent(),
          plan.captions(),
          job.pictures(),
          new CaptionRules(plan.captions(), plan.seed()),
          job.frozen(),
          job.cacheBytes() / 4);
    } catch (RuntimeException e) {
      if (learning.isEmpty()) {
        encoder.close();
      }
      throw e;
    }
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

  private Provenance provenance() {
    // kohya's names: the second generation has OpenCLIP's text of width 1024
    boolean second = networks.unet().config().contextSizes().contains(1024);
    boolean velocity = objective.prediction() == Prediction.VELOCITY;
    return new Provenance(
        job.name(),
        job.origin().repository(),
        job.origin().commit(),
        job.origin().weights(),
        second ? velocity ? "sd_v2_v" : "sd_v2" : "sd_v1",
        objective.prediction().word(),
        job.pictures().dataset(),
        job.beginning().dataset(),
        job.pictures().size(),
        plan,
        total,
        Math.ceilDiv(total, order.stepsPerEpoch()),
        shown());
  }

  private Shown shown() {
    var times = new TreeMap<Integer, Integer>();
    samples.training().forEach(sample -> times.merge(sample.picture(), 1, Integer::sum));
    var pictures = job.pictures();
    var cuts = new ArrayList<Shown.Cut>();
    times.forEach(
        (picture, count) -> {
          var size = pictures.size(picture);
          cuts.add(
              new Shown.Cut(
                  pictures.fileName(picture),
                  pictures.caption(picture),
                  size.width(),
                  size.height(),
                  samples.place(picture).bucket(),
                  count));
        });
    return new Shown(job.origin().vae(), cuts);
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
}
