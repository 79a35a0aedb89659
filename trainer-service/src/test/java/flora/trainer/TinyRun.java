package flora.trainer;

import flora.models.image.ImageDecoder;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.ObjectivePlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.RunRequest;
import flora.schemas.request.TrainingPlan;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.TrainingEvent.Completed;
import flora.store.LocalCache;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.node.ObjectNode;

/** A run of the tiny Stable Diffusion model that has been fetched and labelled. */
final class TinyRun {

  static final TrainingPlan.StableDiffusionLora PLAN =
      TrainingPlan.StableDiffusionLora.defaults()
          .with(NetworkPlan.of(4, 8.0, 0.1, List.of("to_q", "to_k", "to_v", "to_out.0")))
          .with(
              OptimizerPlan.of(
                  2,
                  2,
                  OptimizerPlan.Length.ofSteps(8),
                  new OptimizerPlan.Rate(1e-3, TrainingPlan.LrScheduler.COSINE, 2),
                  OptimizerPlan.AdamW.DEFAULT))
          .with(ObjectivePlan.of(5.0))
          .with(PicturePlan.of(64, false, true))
          .with(KeepPlan.of(3))
          .withSeed(42);

  /**
   * A plan that says something else in some keys.
   *
   * @param keys as JSON, with single quotes
   */
  static TrainingPlan.StableDiffusionLora with(TrainingPlan.StableDiffusionLora plan, String keys) {
    var tree = (ObjectNode) Json.mapper().valueToTree(plan);
    tree.setAll((ObjectNode) Json.mapper().readTree(keys.replace('\'', '"')));
    return Json.mapper().treeToValue(tree, TrainingPlan.StableDiffusionLora.class);
  }

  private final ObjectStore store;
  private final RunId run;

  TinyRun(ObjectStore store, RunId run) {
    this.store = store;
    this.run = run;
  }

  RunId id() {
    return run;
  }

  RunRequest request(TrainingPlan plan) {
    return new RunRequest("tiny", null, null, plan);
  }

  /** Puts model, pictures and head into the store. */
  TinyRun prepare(int pictures) {
    var names =
        files(resource("parity/images")).stream()
            .map(file -> file.getFileName().toString())
            .filter(name -> !name.endsWith(".csv"))
            .limit(pictures)
            .toList();
    return prepare(names);
  }

  /** Puts model, head and these pictures into the store; before a name may be a folder. */
  TinyRun prepare(List<String> names) {
    return prepare(names, Map.of(RepoRole.BASE_MODEL, resource("parity/models/tiny-sd")));
  }

  /** The same with other models, by what they are for. */
  TinyRun prepare(List<String> names, Map<RepoRole, Path> models) {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    var at = Instant.EPOCH;
    var snapshots = new ArrayList<Snapshot>();
    models.forEach((role, folder) -> snapshots.add(model(role, folder)));
    var fetched = new FetchEvent.Completed(run, 1, 1, at, 1, snapshots);
    var manifest = dataset(resource("parity/images"), names);
    int count = names.size();
    var labelled =
        new LabelEvent.Completed(run, 1, 1, at, "shapes", manifest.sha256(), count, 0, manifest);
    var head = Head.empty(run).with(fetched).with(labelled);
    store.put(StoreLayout.RUNS, StoreLayout.head(run), Json.bytes(head), "application/json");
    return this;
  }

  /** A trainer whose files lie in a folder. */
  static TrainerFlow flow(ObjectStore store, Path folder, ComputeFingerprint compute) {
    var cache = new LocalCache(store, LocalFiles.none(), folder.resolve("cache"), 1L << 30);
    var properties =
        new TrainerProperties(
            folder.resolve("work"), 2, DataSize.ofMegabytes(64), DataSize.ofMegabytes(64));
    return new TrainerFlow(store, cache, properties, compute, Clock.systemUTC());
  }

  static S3ObjectStore connect(String endpoint, String accessKey, String secretKey) {
    return new S3ObjectStore(
        URI.create(endpoint), accessKey, new Secret(secretKey), "us-east-1", LocalFiles.none());
  }

  /** The adapter's files by name: all else that a run ends with holds clocks. */
  static Map<String, Sha256> adapter(Completed completed) {
    var digests = new LinkedHashMap<String, Sha256>();
    for (var artifact : completed.artifacts()) {
      if (artifact.name().startsWith("adapter/")) {
        digests.put(artifact.name(), artifact.object().sha256());
      }
    }
    return digests;
  }

  /** Brings the first file whose name begins so into a folder. */
  static Path file(ObjectStore store, Completed completed, String prefix, Path folder)
      throws IOException {
    var object =
        completed.artifacts().stream()
            .filter(artifact -> artifact.name().startsWith(prefix))
            .findFirst()
            .orElseThrow()
            .object();
    var to = Files.createTempFile(folder, "artifact", ".safetensors");
    return Files.write(to, store.read(object.bucket(), object.key()).orElseThrow().bytes());
  }

  private Snapshot model(RepoRole role, Path folder) {
    var repo = new RepoId("tiny/" + folder.getFileName().toString().replace("tiny-", ""));
    var files = new ArrayList<RepoManifest.Entry>();
    for (var file : files(folder)) {
      var ref = blob(StoreLayout.MODELS, file);
      var path = folder.relativize(file).toString();
      files.add(
          new RepoManifest.Entry(
              path,
              ref.size(),
              ref.sha256(),
              null,
              "lfs-sha256",
              "hub",
              Instant.EPOCH,
              List.of(),
              null));
    }
    var manifest = Json.bytes(new RepoManifest(repo, "c0ffee", files));
    var key = StoreLayout.modelManifest(repo, "c0ffee");
    store.put(StoreLayout.MODELS, key, manifest, "application/json");
    return new Snapshot(
        role,
        repo,
        "main",
        "c0ffee",
        new ObjectRef(StoreLayout.MODELS, key, manifest.length, Sha256.sum(manifest)));
  }

  private ObjectRef dataset(Path folder, List<String> names) {
    var images = new ArrayList<DatasetManifest.Image>();
    for (var name : names) {
      var file = folder.resolve(Path.of(name).getFileName());
      var ref = blob(StoreLayout.DATASETS, file);
      var picture = new ImageDecoder().decode(file);
      images.add(
          new DatasetManifest.Image(
              name,
              ref.sha256(),
              ref.size(),
              picture.width(),
              picture.height(),
              "a drawing, of " + name + ", on paper",
              "user"));
    }
    var manifest = Json.bytes(new DatasetManifest("shapes", images, List.of(), null));
    var digest = Sha256.sum(manifest);
    var key = StoreLayout.datasetVersion("shapes", digest, "manifest.json");
    store.put(StoreLayout.DATASETS, key, manifest, "application/json");
    return new ObjectRef(StoreLayout.DATASETS, key, manifest.length, digest);
  }

  private ObjectRef blob(String bucket, Path file) {
    try {
      var bytes = Files.readAllBytes(file);
      var digest = Sha256.sum(bytes);
      store.put(bucket, StoreLayout.blob(digest), bytes, "application/octet-stream");
      return new ObjectRef(bucket, StoreLayout.blob(digest), bytes.length, digest);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> files(Path folder) {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path resource(String name) {
    try {
      return Path.of(TinyRun.class.getClassLoader().getResource(name).toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
