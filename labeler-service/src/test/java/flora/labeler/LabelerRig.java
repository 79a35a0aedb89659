package flora.labeler;

import static org.assertj.core.api.Assertions.assertThat;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.Prepared;
import flora.models.image.RgbImage;
import flora.models.weights.Int8Units;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.ContentKind;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.LabelShard;
import flora.stage.StageContext;
import flora.store.LocalCache;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.springframework.util.unit.DataSize;

/** A store with pictures and a trained CLIP in it, and the labeler's flow over it. */
final class LabelerRig {

  static final RunId RUN = RunId.of("labeler");
  static final String COLOURS_AND_SHAPES =
      """
      {dataset: {name: shapes, label: {
        model: flora/shapes-clip, templates: ["a {}"], top_k: 1, labels: [%s]}}}
      """
          .formatted(
              String.join(
                  ", ",
                  cross(
                      List.of(
                          "red", "blue", "green", "yellow", "purple", "orange", "white", "black"),
                      List.of("circle", "square", "triangle", "star", "cross", "ring"))));

  private final ObjectStore store;
  private final int shardSize;
  private final LabelModels models;
  private final LabelerFlow flow;
  private final AtomicInteger captioned = new AtomicInteger();

  /** The parts that everybody was told of. */
  final List<LabelShard> told = new ArrayList<>();

  private final Path folder;

  LabelerRig(ObjectStore store, Path folder) {
    this(store, folder, Clock.systemUTC());
  }

  LabelerRig(ObjectStore store, Path folder, Clock clock) {
    this(store, folder, clock, 256);
  }

  LabelerRig(ObjectStore store, Path folder, Clock clock, int shardSize) {
    this.shardSize = shardSize;
    this.store = store;
    this.folder = folder;
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    var cache = new LocalCache(store, LocalFiles.none(), folder.resolve("cache"), 1L << 30);
    this.models = new LabelModels(store, cache, folder.resolve("work"));
    this.flow = flow(store, folder, this::open, clock, Int8Units.UNKNOWN);
  }

  /** The flow on another processor. */
  LabelerFlow on(Int8Units int8) {
    return flow(store, folder, this::open, Clock.systemUTC(), int8);
  }

  private LabelerFlow flow(
      ObjectStore store, Path folder, Labelling.Opener opener, Clock clock, Int8Units int8) {
    var properties =
        new LabelerProperties(
            8, 2, DataSize.ofMegabytes(64), 89_478_485, shardSize, Duration.ofSeconds(5));
    var task = new ShardTask(store, clock, "rig", properties.shardClaim());
    return new LabelerFlow(
        store,
        new Labelling(store, opener, properties, clock, int8),
        new SharedLabelling(store, task, told::add, shardSize),
        new Checking(store, models::tokenCounter),
        folder.resolve("work"),
        clock);
  }

  /** Opens the models for the flow; how many pictures they have seen is counted. */
  private Captioner open(LabelOptions options, Head head, Runnable beat) {
    var captioner = models.open(options, head, beat);
    return new Captioner() {
      @Override
      public LabelRecipe recipe() {
        return captioner.recipe();
      }

      @Override
      public Prepared prepare(RgbImage picture) {
        return captioner.prepare(picture);
      }

      @Override
      public List<Caption> caption(List<Prepared> pictures, Runnable between) {
        captioned.addAndGet(pictures.size());
        return captioner.caption(pictures, between);
      }

      @Override
      public void close() {
        captioner.close();
      }
    };
  }

  /** How many pictures a model has seen since this was last asked. */
  int captioned() {
    return captioned.getAndSet(0);
  }

  Path folder() {
    return folder;
  }

  static RunRequest request(String yaml) {
    return RequestReader.read(yaml.getBytes(StandardCharsets.UTF_8), ContentKind.YAML).request();
  }

  /** Runs the flow to its end. */
  LabelEvent.Completed run(RunRequest request, Context context) throws InterruptedException {
    store.put(StoreLayout.RUNS, StoreLayout.request(RUN), Json.bytes(request), "application/json");
    var completed = flow.run(request, context);
    return (LabelEvent.Completed) completed.apply(context.stamp());
  }

  LabelEvent.Completed run(String yaml) throws InterruptedException {
    return run(request(yaml), context());
  }

  Context context() {
    return new Context(head(), Integer.MAX_VALUE);
  }

  /** A context whose lease is lost at the n-th question. */
  Context contextThatDiesAt(int proceeds) {
    return new Context(head(), proceeds);
  }

  /** What the fetch stage leaves behind. */
  Head head() {
    return Head.empty(RUN)
        .with(
            new FetchEvent.Completed(
                RUN,
                1,
                1,
                Instant.EPOCH,
                0,
                List.of(snapshot(RepoRole.LABEL_MODEL, "shapes-clip"))));
  }

  /** Puts a repository into the store, its files from the test's resources. */
  private Snapshot snapshot(RepoRole role, String name) {
    var files = new ArrayList<RepoManifest.Entry>();
    for (var file :
        List.of("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")) {
      var bytes = resource(name + "/" + file);
      var digest = Sha256.sum(bytes);
      store.put(StoreLayout.MODELS, StoreLayout.blob(digest), bytes, "application/octet-stream");
      files.add(
          new RepoManifest.Entry(
              file,
              bytes.length,
              digest,
              null,
              "lfs-sha256",
              "store",
              Instant.EPOCH,
              List.of(),
              null));
    }
    return manifest(role, new RepoId("flora/" + name), StoreLayout.MODELS, files);
  }

  Snapshot manifest(RepoRole role, RepoId repo, String bucket, List<RepoManifest.Entry> files) {
    var json = Json.bytes(new RepoManifest(repo, "c0ffee", files));
    var key =
        bucket.equals(StoreLayout.MODELS)
            ? StoreLayout.modelManifest(repo, "c0ffee")
            : StoreLayout.hubDatasetManifest(repo, "c0ffee");
    store.put(bucket, key, json, "application/json");
    return new Snapshot(
        role, repo, "main", "c0ffee", new ObjectRef(bucket, key, json.length, Sha256.sum(json)));
  }

  /** Drops the 48 drawings, without their captions. */
  LabelerRig withShapes() {
    for (int i = 0; i < 48; i++) {
      var name = "%02d.png".formatted(i);
      drop("shapes", name, resource("shapes/" + name));
    }
    return this;
  }

  LabelerRig drop(String dataset, String name, byte[] bytes) {
    store.put(
        StoreLayout.DATASETS,
        StoreLayout.incoming(dataset) + name,
        bytes,
        "application/octet-stream");
    return this;
  }

  LabelerRig drop(String dataset, String name, String text) {
    return drop(dataset, name, text.getBytes(StandardCharsets.UTF_8));
  }

  DatasetManifest manifest(LabelEvent.Completed completed) {
    var bytes = bytes(completed.manifest().key());
    assertThat(Sha256.sum(bytes)).isEqualTo(completed.version());
    return Json.read(bytes, DatasetManifest.class);
  }

  String table(LabelEvent.Completed completed, String file) {
    return new String(
        bytes(StoreLayout.datasetVersion(completed.dataset(), completed.version(), file)),
        StandardCharsets.UTF_8);
  }

  Optional<DatasetLatest> latest(String dataset) {
    return store
        .read(StoreLayout.DATASETS, StoreLayout.datasetLatest(dataset))
        .map(s -> Json.read(s.bytes(), DatasetLatest.class));
  }

  List<String> keys(String prefix) {
    try (var objects = store.list(StoreLayout.DATASETS, prefix)) {
      return objects.map(o -> o.key()).toList();
    }
  }

  byte[] bytes(String key) {
    return store.read(StoreLayout.DATASETS, key).orElseThrow().bytes();
  }

  static byte[] resource(String name) {
    try (var in = LabelerRig.class.getResourceAsStream("/flora/labeler/" + name)) {
      assertThat(in).as(name).isNotNull();
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> cross(List<String> colours, List<String> shapes) {
    return colours.stream().flatMap(c -> shapes.stream().map(s -> c + " " + s)).toList();
  }

  /** Keeps what the flow tells. */
  static class Context implements StageContext {
    private final Head head;
    private final int proceeds;
    private final List<Event> events = new ArrayList<>();
    private int asked;

    Context(Head head, int proceeds) {
      this.head = head;
      this.proceeds = proceeds;
    }

    <T extends Event> List<T> events(Class<T> type) {
      return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    EventStamp stamp() {
      return new EventStamp(RUN, 1, events.size() + 1, Instant.EPOCH);
    }

    int asked() {
      return asked;
    }

    @Override
    public RunId runId() {
      return RUN;
    }

    @Override
    public int attempt() {
      return 1;
    }

    @Override
    public long epoch() {
      return 1;
    }

    @Override
    public Head head() {
      return head;
    }

    @Override
    public Head updateHead(UnaryOperator<Head> change) {
      throw new AssertionError("the stage loop does this");
    }

    @Override
    public void publish(Function<EventStamp, Event> event) {
      events.add(event.apply(stamp()));
    }

    @Override
    public void progress(Function<EventStamp, Event> event) {
      publish(event);
    }

    @Override
    public Control control() {
      return Control.NONE;
    }

    @Override
    public void proceed() {
      if (++asked >= proceeds) {
        throw new LeaseLost(RUN, 1);
      }
    }
  }
}
