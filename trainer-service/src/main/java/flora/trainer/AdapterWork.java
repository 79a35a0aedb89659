package flora.trainer;

import flora.models.singlefile.ModelFiles;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.AdapterUse;
import flora.schemas.request.TrainingPlan.AdapterConvert;
import flora.schemas.request.TrainingPlan.AdapterForm;
import flora.schemas.request.TrainingPlan.AdapterMerge;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import flora.stage.SnapshotFolder;
import flora.stage.StageContext;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.trainer.export.AdapterConversion;
import flora.trainer.export.AdapterFiles;
import flora.trainer.merge.Merge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What is made of adapters that are there: a model with them in its weights, or their matrices in
 * another program's keys. Nothing is trained; whoever takes over after a crash begins again.
 */
final class AdapterWork {

  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_./-]*");

  private final ObjectStore store;
  private final LocalCache cache;
  private final StageContext context;
  private final Path scratch;

  AdapterWork(ObjectStore store, LocalCache cache, StageContext context, Path scratch) {
    this.store = store;
    this.cache = cache;
    this.context = context;
    this.scratch = scratch;
  }

  /** Merges into the model that was fetched; its files are artifacts below {@code merged/}. */
  Function<EventStamp, Event> merge(String name, AdapterMerge plan) {
    var snapshot = base().orElseThrow(() -> new TrainerException.PartMissing("a base model"));
    var uses = new ArrayList<Merge.Use>();
    for (var use : plan.adapters()) {
      uses.add(new Merge.Use(adapter(use, uses.size()), use.unet(), use.textEncoder()));
    }
    started(uses.size());
    var base = model(snapshot);
    var to = scratch.resolve("merged");
    var single = Files.isRegularFile(base);
    int changed =
        Merge.merge(
            base,
            uses,
            single ? to.resolve(name + ".safetensors") : to,
            (_, _) -> context.proceed());
    // what cannot be opened is no model
    ModelFiles.open(single ? to.resolve(name + ".safetensors") : to).unet().close();
    return completed(changed, publish(to, "merged/"));
  }

  /** Writes the adapter's files as a training does. */
  Function<EventStamp, Event> convert(String name, AdapterConvert plan) {
    var from = adapter(plan.adapter(), 0);
    started(plan.adapterForms().size());
    var layers =
        base()
            .map(snapshot -> AdapterFiles.layers(model(snapshot)))
            .orElseGet(AdapterFiles::usualLayers);
    var to = scratch.resolve("converted");
    for (var form : plan.adapterForms()) {
      context.proceed();
      AdapterConversion.convert(
          from, layers, form(form), plan.savePrecision(), to.resolve(path(form, name)));
    }
    return completed(plan.adapterForms().size(), publish(to, "adapter/"));
  }

  private static AdapterConversion.Form form(AdapterForm form) {
    return switch (form) {
      case KOHYA -> AdapterConversion.Form.KOHYA;
      case DIFFUSERS -> AdapterConversion.Form.DIFFUSERS;
      case PEFT -> AdapterConversion.Form.PEFT;
    };
  }

  private static String path(AdapterForm form, String name) {
    return switch (form) {
      case KOHYA -> "kohya/" + name + ".safetensors";
      case DIFFUSERS -> "diffusers/pytorch_lora_weights.safetensors";
      case PEFT -> "peft";
    };
  }

  private Optional<Snapshot> base() {
    var fetched = context.head().fetch();
    return fetched == null
        ? Optional.empty()
        : fetched.snapshots().stream()
            .filter(snapshot -> snapshot.role() == RepoRole.BASE_MODEL)
            .findFirst();
  }

  /** The model's folder, or its one file. */
  private Path model(Snapshot snapshot) {
    var single = BaseModel.singleFile(SnapshotFolder.manifest(cache, snapshot));
    var folder = SnapshotFolder.open(cache, snapshot, scratch.resolve("models")).path();
    return single.map(file -> folder.resolve(file.path())).orElse(folder);
  }

  /** The adapter's file under a name that tells where it is from. */
  private Path adapter(AdapterUse use, int number) {
    var run = use.run();
    var found =
        run == null
            ? uploaded(use.source())
            : store
                .read(StoreLayout.RUNS, StoreLayout.head(run))
                .map(stored -> Json.read(stored.bytes(), Head.class).train())
                .flatMap(done -> Optional.ofNullable(done).flatMap(AdapterWork::ofRun));
    var object = found.orElseThrow(() -> new TrainerException.NoSuchAdapter(use.source()));
    try {
      var folder = Files.createDirectories(scratch.resolve("adapters").resolve("" + number));
      var link = folder.resolve(use.source() + ".safetensors");
      return Files.createSymbolicLink(link, cache.file(object).toAbsolutePath());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<ObjectRef> ofRun(TrainingEvent.Completed done) {
    return done.artifacts().stream()
        .filter(artifact -> artifact.name().startsWith("adapter/kohya/"))
        .map(Artifact::object)
        .findFirst();
  }

  /** The one file of an uploaded model, which an adapter is as well. */
  private Optional<ObjectRef> uploaded(String name) {
    RepoId repo;
    try {
      repo = new RepoId(name);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    var folder = StoreLayout.modelFolder(repo);
    return store
        .read(StoreLayout.MODELS, StoreLayout.ref(folder, RepoReference.DEFAULT_REVISION))
        .map(ref -> tree(ref.bytes()).path("commit").asString(""))
        .filter(commit -> commit.matches("[0-9a-f]{40}"))
        .flatMap(commit -> store.read(StoreLayout.MODELS, StoreLayout.manifest(folder, commit)))
        .map(manifest -> Json.read(manifest.bytes(), RepoManifest.class))
        .flatMap(BaseModel::singleFile)
        .map(
            file ->
                new ObjectRef(
                    StoreLayout.MODELS,
                    StoreLayout.blob(file.sha256()),
                    file.size(),
                    file.sha256()));
  }

  private static JsonNode tree(byte[] json) {
    try {
      return Json.read(json, JsonNode.class);
    } catch (JacksonException e) {
      return Json.mapper().createObjectNode();
    }
  }

  private void started(long total) {
    context.publish(
        s -> new TrainingEvent.Started(s.runId(), s.attempt(), s.seq(), s.at(), 0, total));
  }

  private List<Artifact> publish(Path folder, String prefix) {
    var artifacts = new ArrayList<Artifact>();
    try (var files = Files.walk(folder)) {
      for (var file : files.filter(Files::isRegularFile).sorted().toList()) {
        var path = folder.relativize(file).toString().replace('\\', '/');
        if (!PLAIN.matcher(path).matches()) {
          continue; // no reader of models looks for such a name
        }
        context.proceed();
        var name = prefix + path;
        var key = StoreLayout.attempt(context.runId(), context.epoch(), name);
        var type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
        var artifact = new Artifact(name, store.upload(StoreLayout.RUNS, key, file, type));
        context.publish(
            s ->
                new TrainingEvent.AdapterExported(
                    s.runId(), s.attempt(), s.seq(), s.at(), artifact));
        artifacts.add(artifact);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return artifacts;
  }

  private static Function<EventStamp, Event> completed(long total, List<Artifact> artifacts) {
    return s ->
        new TrainingEvent.Completed(
            s.runId(), s.attempt(), s.seq(), s.at(), total, 0, artifacts, null, null);
  }
}
