package flora.trainer;

import ai.djl.engine.EngineException;
import flora.models.ModelException;
import flora.models.aten.NativeHeap;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.request.PlanDigest;
import flora.schemas.request.RunRequest;
import flora.schemas.request.TrainingPlan;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.stage.StageContext;
import flora.stage.StageFlow;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.tensors.SafetensorsException;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.checkpoint.Saves;
import flora.trainer.checkpoint.TrainingState;
import flora.trainer.data.PictureSet;
import flora.trainer.encode.EncodingStore;
import flora.trainer.encode.Frozen;
import flora.trainer.export.AdapterExport;
import flora.trainer.export.NetworkProbe;
import flora.trainer.recipe.RecipeException;
import flora.trainer.recipe.StableDiffusionLoraRecipe;
import flora.trainer.recipe.TrainedAdapter;
import flora.trainer.recipe.TrainingJob;
import flora.trainer.watch.ResourceMeter;
import flora.trainer.watch.TrainingLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A dataset version and a base model → training, on from the newest checkpoint → adapter files,
 * read back → the store. Whoever takes over after a crash ends with the same bytes.
 */
final class TrainerFlow implements StageFlow {

  private static final Logger log = LoggerFactory.getLogger(TrainerFlow.class);
  private static final String RUN_CARD = "run-card.json";

  private final ObjectStore store;
  private final LocalCache cache;
  private final TrainerProperties properties;
  private final ComputeFingerprint compute;
  private final Clock clock;

  TrainerFlow(
      ObjectStore store,
      LocalCache cache,
      TrainerProperties properties,
      ComputeFingerprint compute,
      Clock clock) {
    this.store = store;
    this.cache = cache;
    this.properties = properties;
    this.compute = compute;
    this.clock = clock;
  }

  @Override
  public Stage stage() {
    return Stage.TRAIN;
  }

  @Override
  public boolean pausesItself() {
    return true;
  }

  @Override
  public Function<EventStamp, Event> run(RunRequest request, StageContext context) {
    var scratch = scratch(context);
    var models = scratch.resolve("models");
    try {
      return switch (request.train()) {
        case TrainingPlan.StableDiffusionLora plan ->
            train(request, plan, context, scratch, models);
        case TrainingPlan.AdapterMerge plan ->
            new AdapterWork(store, cache, context, scratch).merge(request.name(), plan);
        case TrainingPlan.AdapterConvert plan ->
            new AdapterWork(store, cache, context, scratch).convert(request.name(), plan);
        case null -> throw new TrainerException.PartMissing("a training plan");
      };
    } catch (ModelException e) {
      throw TrainerException.ModelRefused.of(e, models);
    } catch (SafetensorsException e) {
      throw TrainerException.ModelRefused.of(e, models);
    } catch (EngineException e) {
      throw RecipeException.OutOfMemory.isTold(e) ? new RecipeException.OutOfMemory(e) : e;
    } finally {
      delete(scratch);
      NativeHeap.giveBack();
    }
  }

  private Function<EventStamp, Event> train(
      RunRequest request,
      TrainingPlan.StableDiffusionLora plan,
      StageContext context,
      Path scratch,
      Path models) {
    var head = context.head();
    var fetched = head.fetch();
    var labelled = head.label();
    var version = labelled == null ? null : labelled.version();
    var manifest = labelled == null ? null : labelled.manifest();
    if (fetched == null || version == null || manifest == null) {
      throw new TrainerException.PartMissing(fetched == null ? "a model" : "a dataset version");
    }
    var model = BaseModel.link(fetched, cache, models);
    var pictures = PictureSet.read(store, manifest);
    var reference = plan.network().initAdapter();
    var init =
        reference == null
            ? null
            : InitAdapter.fetch(reference, store, folder(scratch.resolve("init")));
    var digests = new TreeMap<>(model.digests());
    if (init != null) {
      digests.put("init_adapter", init.digest());
    }
    var beginning =
        TrainingState.beginning(plan.seed(), PlanDigest.of(plan), version, digests, compute);
    var keep = plan.keep().checkpointsToKeep();
    var checkpoints =
        new CheckpointStore(store, context, keep == null ? properties.checkpointsToKeep() : keep);
    var resumed = resume(checkpoints, context, beginning, scratch);
    try (var encodings = encodings(scratch)) {
      var job =
          new TrainingJob(
              request.name(),
              plan,
              model.files(),
              model.origin(),
              pictures,
              beginning,
              init == null ? null : init.file(),
              new Frozen(model.digests(), compute.toString(), encodings),
              properties.encodingCache().toBytes(),
              System::nanoTime);
      try {
        return train(job, resumed, checkpoints, model, context, scratch);
      } catch (RecipeException.CheckpointUnreadable e) {
        log.warn("{}: the training begins anew", e.getMessage());
        return train(job, Optional.empty(), checkpoints, model, context, scratch);
      }
    }
  }

  private Function<EventStamp, Event> train(
      TrainingJob job,
      Optional<CheckpointStore.Loaded> resumed,
      CheckpointStore checkpoints,
      BaseModel model,
      StageContext context,
      Path scratch) {
    var plan = job.plan();
    long done = resumed.map(loaded -> loaded.state().step()).orElse(0L);
    try (var curves = curves(context, done, folder(scratch.resolve("logs")));
        var saves = new Saves(checkpoints, folder(scratch.resolve("checkpoint")))) {
      var events =
          new TrainingEvents(
              context,
              saves,
              (name, bytes, type) -> keep(context, name, bytes, type),
              curves,
              samplesPerStep(plan),
              System::nanoTime);
      var trained = StableDiffusionLoraRecipe.train(job, resumed, events);
      saves.newest(); // the last one is safe before anybody hears of the end

      events.mayPause();
      var names = export(trained, plan, model, scratch.resolve("export"));
      var artifacts = new ArrayList<>(publish(names, context, events, scratch.resolve("export")));
      artifacts.addAll(curves.finish());
      artifacts.add(runCard(trained, plan, job.beginning(), context));
      context.proceed();
      return TrainingEvents.completed(trained, artifacts);
    }
  }

  private TrainingLog curves(StageContext context, long done, Path folder) {
    return TrainingLog.open(
        store,
        context.runId(),
        context.epoch(),
        done,
        folder,
        clock,
        new ResourceMeter(System::nanoTime));
  }

  private static int samplesPerStep(TrainingPlan.StableDiffusionLora plan) {
    return plan.optimizer().batchSize() * plan.optimizer().gradientAccumulationSteps();
  }

  private EncodingStore encodings(Path scratch) {
    var room = properties.encodingStore().toBytes();
    return new EncodingStore(store, folder(scratch.resolve("encodings")), room);
  }

  /** The newest checkpoint of this very training, if there is one. */
  private Optional<CheckpointStore.Loaded> resume(
      CheckpointStore checkpoints, StageContext context, TrainingState beginning, Path scratch) {
    var newest = context.head().checkpoint();
    var loaded = checkpoints.newest(folder(scratch.resolve("resume")));
    if (loaded.isPresent() && !beginning.continues(loaded.get().state())) {
      var state = loaded.get().state();
      log.warn(
          "the checkpoint at step {}, of format {}, is of another training or version (format {}):"
              + " the training begins anew",
          state.step(),
          state.format(),
          beginning.format());
      return Optional.empty();
    }
    if (loaded.isPresent() && newest != null) {
      checkpoints.announce(newest);
    }
    return loaded;
  }

  private static List<String> export(
      TrainedAdapter trained, TrainingPlan.StableDiffusionLora plan, BaseModel model, Path folder) {
    try (var probe = NetworkProbe.open(model.files(), trained.adapter())) {
      return AdapterExport.write(
          trained.adapter(), trained.provenance(), plan.keep().savePrecision(), probe, folder);
    }
  }

  private List<Artifact> publish(
      List<String> names, StageContext context, TrainingEvents events, Path folder) {
    var artifacts = new ArrayList<Artifact>();
    for (var name : names) {
      events.mayPause();
      var key = StoreLayout.attempt(context.runId(), context.epoch(), name);
      var type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
      var object = store.upload(StoreLayout.RUNS, key, folder.resolve(name), type);
      var artifact = new Artifact(name, object);
      events.exported(artifact);
      artifacts.add(artifact);
    }
    return artifacts;
  }

  private Artifact runCard(
      TrainedAdapter trained,
      TrainingPlan.StableDiffusionLora plan,
      TrainingState beginning,
      StageContext context) {
    var card =
        new RunCard(
            context.runId(),
            context.attempt(),
            clock.instant(),
            plan,
            beginning.dataset(),
            beginning.weights(),
            compute.toString(),
            trained.steps(),
            trained.loss());
    return new Artifact(RUN_CARD, keep(context, RUN_CARD, Json.bytes(card), "application/json"));
  }

  private ObjectRef keep(StageContext context, String name, byte[] bytes, String type) {
    var key = StoreLayout.attempt(context.runId(), context.epoch(), name);
    store.put(StoreLayout.RUNS, key, bytes, type);
    return new ObjectRef(StoreLayout.RUNS, key, bytes.length, Sha256.sum(bytes));
  }

  private Path scratch(StageContext context) {
    return folder(
        properties
            .workFolder()
            .toAbsolutePath()
            .resolve(context.runId().value() + "-" + context.epoch()));
  }

  private static Path folder(Path path) {
    try {
      return Files.createDirectories(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      log.warn("the working folder {} is left behind", folder, e);
    }
  }
}
