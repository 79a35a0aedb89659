package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fetcher.download.TransferException;
import flora.hub.HubClient;
import flora.hub.HubException;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.hub.archive.Ref;
import flora.hub.archive.Use;
import flora.hub.plan.PlanException;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.RunRequest;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FetcherFlowTest {

  private static final String UNET = "unet/diffusion_pytorch_model.safetensors";
  private static final String VAE = "vae/diffusion_pytorch_model.safetensors";
  private static final long UNET_SIZE = 5_000_000;
  private static final int FOR_EVER = Integer.MAX_VALUE;

  /** Put together once: its digests take longer than any test. */
  private static final FakeRepo pipeline =
      FakeRepo.model("flora/pipeline")
          .file(
              "model_index.json",
              """
              {"_class_name": "StableDiffusionPipeline",
               "scheduler": ["diffusers", "PNDMScheduler"],
               "text_encoder": ["transformers", "CLIPTextModel"],
               "tokenizer": ["transformers", "CLIPTokenizer"],
               "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
               "unet": ["diffusers", "UNet2DConditionModel"],
               "vae": ["diffusers", "AutoencoderKL"]}
              """)
          .file("scheduler/scheduler_config.json", "{}")
          .file("text_encoder/config.json", "{\"a\": 1}")
          .noise("text_encoder/model.safetensors", 50_000)
          .file("tokenizer/vocab.json", "{\"b\": 2}")
          .file("tokenizer/merges.txt", "#version")
          .file("unet/config.json", "{\"c\": 3}")
          .noise(UNET, UNET_SIZE)
          .file("vae/config.json", "{\"d\": 4}")
          .noise(VAE, 100_000)
          .withTwins()
          .commit("main");

  private final FakeHub hub = FakeHub.start(0);
  private final AtomicLong free = new AtomicLong(Long.MAX_VALUE);
  private final ObjectStore store = withFreeBytes(new MemoryObjectStore(Clock.systemUTC()));
  private final HubClient client =
      new HubClient(
          new HubSettings(
              hub.endpoint(),
              "",
              java.util.Set.of(),
              Duration.ofSeconds(1),
              Duration.ofMillis(400),
              new HubSettings.Proxies("", "", ""),
              null),
          new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(2)),
          Clock.systemUTC());
  private final FetcherFlow flow = Flows.of(client, store);
  private final RecordingContext context = new RecordingContext();

  private ObjectStore withFreeBytes(ObjectStore inner) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("freeBytes")) {
                return Optional.of(free.get());
              }
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @BeforeEach
  void start() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    hub.add(pipeline);
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  private FetchEvent.Completed run(RunRequest request) throws InterruptedException {
    return (FetchEvent.Completed) context.say(flow.run(request, context));
  }

  private RepoManifest manifest(Snapshot snapshot) {
    var reference = snapshot.manifest();
    var bytes = store.read(reference.bucket(), reference.key()).orElseThrow().bytes();
    assertThat(Sha256.sum(bytes)).isEqualTo(reference.sha256());
    return Json.read(bytes, RepoManifest.class);
  }

  private List<String> keys(String bucket, String prefix) {
    try (var objects = store.list(bucket, prefix)) {
      return objects.map(ObjectInfo::key).toList();
    }
  }

  private boolean isManifest(String key) {
    return key.endsWith("/manifest.json");
  }

  private static String blob(FakeRepo repo, String path) {
    return StoreLayout.blob(new Sha256(repo.sha256(path)));
  }

  @Test
  void bringsWhatAPipelineNeedsIntoTheStore() throws Exception {
    var completed = run(Requests.mirror("flora/pipeline"));

    var snapshot = completed.snapshots().getFirst();
    assertThat(snapshot.role()).isEqualTo(RepoRole.BASE_MODEL);
    assertThat(snapshot.commit()).isEqualTo(pipeline.commitOf("main"));
    var manifest = manifest(snapshot);
    assertThat(manifest.files())
        .extracting(RepoManifest.Entry::path)
        .containsExactly(
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/vocab.json",
            "unet/config.json",
            UNET,
            "vae/config.json",
            VAE);
    for (var file : manifest.files()) {
      assertThat(file.sha256()).hasToString(pipeline.sha256(file.path()));
      var stored = store.read(StoreLayout.MODELS, StoreLayout.blob(file.sha256())).orElseThrow();
      assertThat(Sha256.sum(stored.bytes())).isEqualTo(file.sha256());
      assertThat(store.head(StoreLayout.MODELS, StoreLayout.verified(file.sha256()))).isPresent();
    }
    assertThat(manifest.file(UNET).orElseThrow().verifiedBy()).isEqualTo("lfs-sha256");
    assertThat(manifest.file("unet/config.json").orElseThrow().verifiedBy()).isEqualTo("git-sha1");
    var repo = new RepoId("flora/pipeline");
    var folder = StoreLayout.modelFolder(repo);
    assertThat(keys(StoreLayout.MODELS, "models/"))
        .containsExactlyInAnyOrder(
            StoreLayout.modelManifest(repo, snapshot.commit()),
            StoreLayout.used(folder, snapshot.commit()),
            StoreLayout.ref(folder, "main"));
  }

  @Test
  void saysWhatHappensInOrder() throws Exception {
    var completed = run(Requests.mirror("flora/pipeline"));

    assertThat(context.events.getFirst()).isInstanceOf(FetchEvent.Started.class);
    assertThat(context.events(FetchEvent.Started.class).getFirst().total())
        .isEqualTo(completed.total())
        .isGreaterThan(UNET_SIZE);
    assertThat(context.events(FetchEvent.FileVerified.class))
        .hasSize(10)
        .allMatch(event -> event.source().equals("127.0.0.1"));
    var last = (FetchEvent.Progressed) context.progress.getLast();
    assertThat(last.done()).isEqualTo(completed.total());
  }

  @Test
  void fetchesNothingTwice() throws Exception {
    var first = run(Requests.mirror("flora/pipeline"));
    hub.forget();
    context.events.clear();

    var second = run(Requests.mirror("flora/pipeline"));

    assertThat(second.snapshots()).isEqualTo(first.snapshots());
    // the plan reads model_index.json anew, and nothing else
    assertThat(hub.seen())
        .filteredOn(seen -> seen.uri().getPath().contains("/resolve/"))
        .allMatch(seen -> seen.uri().getPath().endsWith("model_index.json"));
    assertThat(context.events(FetchEvent.FileVerified.class))
        .hasSize(10)
        .allMatch(event -> event.source().equals("store"));
  }

  @Test
  void saysWhatItIsAfterBeforeItLooksWhatIsThere() throws Exception {
    var words = FakeRepo.model("flora/words").file("config.json", "{}").noise("x.safetensors", 9);
    hub.add(words.commit("main"));
    var used = StoreLayout.used("models/flora/words/", words.commitOf("main"));
    run(Requests.mirror("flora/words", List.of("*"), List.of()));
    store.delete(StoreLayout.MODELS, used);
    // a file that cannot be had: the run goes no further than looking
    store.delete(
        StoreLayout.MODELS, StoreLayout.verified(new Sha256(words.sha256("x.safetensors"))));
    hub.fault("x.safetensors", new Fault.Html(), FOR_EVER);

    assertThatThrownBy(() -> run(Requests.mirror("flora/words", List.of("*"), List.of())))
        .isInstanceOf(PipelineException.class);

    var wanted = Json.read(store.read(StoreLayout.MODELS, used).orElseThrow().bytes(), Use.class);
    assertThat(wanted.files()).hasSize(2).contains("sha256:" + words.sha256("x.safetensors"));
  }

  @Test
  void saysThatTheUpstreamMovedSinceTheLastFetch() throws Exception {
    var moving = FakeRepo.model("flora/moving").file("config.json", "{}").commit("main");
    hub.add(moving);
    var request = Requests.mirror("flora/moving", List.of("*"), List.of());
    run(request);
    var before = moving.commitOf("main");
    moving.file("config.json", "{\"newer\": true}").commit("main");

    run(request);
    run(request);

    assertThat(context.events(FetchEvent.UpstreamMoved.class))
        .singleElement()
        .matches(e -> e.revision().equals("main"))
        .matches(e -> e.fromCommit().equals(before))
        .matches(e -> e.toCommit().equals(moving.commitOf("main")));
    var ref = new Archive(store).ref(RepoType.MODEL, new RepoId("flora/moving"), "main");
    assertThat(ref.map(Ref::commit)).contains(moving.commitOf("main"));
  }

  @Test
  void addsToTheManifestOfACommitAndShowsEachRunItsOwn() throws Exception {
    var json = run(Requests.mirror("flora/pipeline", List.of("*.json"), List.of()));
    var vae =
        run(Requests.mirror("flora/pipeline", List.of("vae/*.safetensors"), List.of("*fp16*")));

    var key = StoreLayout.modelManifest(new RepoId("flora/pipeline"), pipeline.commitOf("main"));
    var shared =
        Json.read(store.read(StoreLayout.MODELS, key).orElseThrow().bytes(), RepoManifest.class);
    assertThat(manifest(vae.snapshots().getFirst()).files())
        .extracting(RepoManifest.Entry::path)
        .containsExactly(VAE);
    assertThat(manifest(json.snapshots().getFirst()).files())
        .extracting(RepoManifest.Entry::path)
        .allMatch(path -> path.endsWith(".json"));
    assertThat(shared.files())
        .extracting(RepoManifest.Entry::path)
        .contains(VAE, "unet/config.json", "feature_extractor/preprocessor_config.json")
        .isSorted();
  }

  @Test
  void fetchesEveryRepositoryThatTheRequestNames() throws Exception {
    hub.add(
            FakeRepo.model("flora/vae")
                .file("config.json", "{\"d\": 4}")
                .noise("diffusion_pytorch_model.safetensors", 1000)
                .withTwins())
        .add(FakeRepo.model("words").file("vocab.txt", "a b c").noise("model.safetensors", 99))
        .add(
            FakeRepo.model("flora/clip")
                .file("config.json", "{}")
                .noise("model.safetensors", 2000)
                .withTwins())
        .add(
            FakeRepo.dataset("flora/pictures")
                .noise("a.png", 300)
                .file("metadata.csv", "file_name,text\na.png,one\n"));

    var completed =
        run(
            Requests.all(
                "flora/pipeline", "flora/vae", "words", "flora/clip@main", "flora/pictures"));

    assertThat(completed.snapshots())
        .extracting(Snapshot::role)
        .containsExactly(
            RepoRole.BASE_MODEL,
            RepoRole.VAE,
            RepoRole.TOKENIZER,
            RepoRole.LABEL_MODEL,
            RepoRole.DATASET);
    assertThat(completed.snapshots())
        .extracting(snapshot -> manifest(snapshot).files().size())
        .containsExactly(10, 2, 1, 2, 2);
    assertThat(completed.snapshots().getLast().manifest().bucket()).isEqualTo(StoreLayout.DATASETS);
    assertThat(keys(StoreLayout.DATASETS, "hub/")).filteredOn(this::isManifest).hasSize(1);
    // the same bytes as vae/config.json of the pipeline: fetched once
    assertThat(hub.seen())
        .extracting(seen -> seen.uri().getPath())
        .filteredOn(path -> path.matches("/flora/(vae|pipeline)/resolve/[^/]*/(vae/)?config.json"))
        .hasSize(1);
  }

  static Stream<Fault> faultsThatPass() {
    return Stream.of(
        new Fault.WrongByte(4_000_000),
        new Fault.Cut(3_000_000),
        new Fault.Cut(0),
        new Fault.Stall(1_000_000, Duration.ofSeconds(30)),
        new Fault.Shortened(1_000_000),
        new Fault.BareHeaders());
  }

  @ParameterizedTest
  @MethodSource("faultsThatPass")
  void getsOverAFaultThatPasses(Fault fault) throws Exception {
    hub.fault(UNET, fault, 1);

    var completed = run(Requests.mirror("flora/pipeline"));

    var file = manifest(completed.snapshots().getFirst()).file(UNET).orElseThrow();
    var bytes = store.read(StoreLayout.MODELS, StoreLayout.blob(file.sha256())).orElseThrow();
    assertThat(Sha256.sum(bytes.bytes())).hasToString(pipeline.sha256(UNET));
    assertThat(((FetchEvent.Progressed) context.progress.getLast()).done())
        .isEqualTo(completed.total());
  }

  @Test
  void goesOnWhereAConnectionBroke() throws Exception {
    hub.fault(UNET, new Fault.Cut(3_000_000), 1);

    run(Requests.mirror("flora/pipeline"));

    assertThat(hub.seen())
        .filteredOn(seen -> seen.onContent() && seen.range() != null)
        .isNotEmpty()
        .allMatch(
            seen -> Long.parseLong(seen.range().replaceAll("\\D+(\\d+)-.*", "$1")) > 100_000,
            "in the middle");
    assertThat(hub.bytesSent(UNET)).isLessThan(UNET_SIZE + 4_000_000);
  }

  @Test
  void waitsForABusyHub() throws Exception {
    hub.fault("/cdn/", new Fault.Status(503), 2)
        .fault("/resolve/", new Fault.Status(429, Map.of("Retry-After", "1")), 1);

    assertThat(run(Requests.mirror("flora/pipeline")).snapshots()).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("wrongBytes")
  void keepsNothingOfAFileWhoseBytesAreWrong(String path) throws Exception {
    hub.fault(path, new Fault.WrongByte(3), FOR_EVER);

    assertThatThrownBy(() -> run(Requests.mirror("flora/pipeline")))
        .isInstanceOfSatisfying(
            TransferException.ChecksumMismatch.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECKSUM_MISMATCH))
        .hasMessageContaining(path)
        .hasMessageContaining("127.0.0.1");
    assertThat(keys(StoreLayout.MODELS, "models/")).filteredOn(this::isManifest).isEmpty();
    assertThat(keys(StoreLayout.MODELS, "blobs/"))
        .noneMatch(k -> k.startsWith(blob(pipeline, path)));

    hub.behave();
    run(Requests.mirror("flora/pipeline"));
    assertThat(keys(StoreLayout.MODELS, "blobs/")).contains(blob(pipeline, path));
  }

  static Stream<String> wrongBytes() {
    return Stream.of(UNET, "unet/config.json");
  }

  @Test
  void givesUpOnAFileThatNeverEnds() {
    hub.fault(UNET, new Fault.Cut(10), FOR_EVER);

    assertThatThrownBy(() -> run(Requests.mirror("flora/pipeline")))
        .isInstanceOf(HubException.Unreachable.class);
    assertThat(keys(StoreLayout.MODELS, "models/")).filteredOn(this::isManifest).isEmpty();
  }

  @Test
  void takesNoPageForAFile() {
    hub.fault(UNET, new Fault.Html(), FOR_EVER);

    assertThatThrownBy(() -> run(Requests.mirror("flora/pipeline")))
        .isInstanceOfSatisfying(
            PipelineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HUB_PROTOCOL));
  }

  @Test
  void asksForDiskBeforeTheFirstByte() {
    free.set(5_000_000);
    hub.forget();

    assertThatThrownBy(() -> run(Requests.mirror("flora/pipeline")))
        .isInstanceOfSatisfying(
            TransferException.DiskFull.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.INSUFFICIENT_DISK))
        .hasMessageContaining("5000000")
        .hasMessageContaining("5150");
    assertThat(hub.seen()).noneMatch(FakeHub.Seen::onContent);
  }

  @Test
  void stopsWhenTheRunIsCancelled() throws Exception {
    hub.fault(UNET, new Fault.Slow(300_000), FOR_EVER);
    var outcome = new java.util.concurrent.CompletableFuture<Throwable>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                run(Requests.mirror("flora/pipeline"));
              } catch (Throwable e) {
                outcome.complete(e);
              }
            });
    Thread.sleep(500);

    context.cancelled = true;

    assertThat(outcome.get(3, java.util.concurrent.TimeUnit.SECONDS))
        .isInstanceOf(StageContext.RunCancelled.class);
    assertThat(keys(StoreLayout.MODELS, "models/")).filteredOn(this::isManifest).isEmpty();
    assertThat(keys(StoreLayout.MODELS, "blobs/")).doesNotContain(blob(pipeline, UNET));
  }

  @Test
  void saysWithinSecondsThatARepositoryIsMissing() {
    long start = System.nanoTime();

    assertThatThrownBy(() -> run(Requests.mirror("flora/none")))
        .isInstanceOf(HubException.RepoNotFound.class)
        .hasMessageContaining("flora/none");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
    assertThat(context.events).isEmpty();
  }

  @Test
  void refusesWhatIsNoRepository() {
    assertThatThrownBy(() -> run(Requests.mirror("s3://flora-models/x")))
        .isInstanceOfSatisfying(
            PlanException.NotARepository.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET))
        .hasMessageContaining("model.base_model");
    assertThatThrownBy(() -> run(Requests.label("a b", null)))
        .isInstanceOfSatisfying(
            PlanException.NotARepository.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID))
        .hasMessageContaining("dataset.label.model");
  }

  @Test
  void fetchesALargeFileThatOnlyGitKnows() throws Exception {
    hub.add(
        FakeRepo.model("flora/text")
            .file("config.json", "{}")
            .file("big.txt", new byte[9_000_000]));

    run(Requests.mirror("flora/text", List.of("*"), List.of()));

    assertThat(context.events(FetchEvent.FileVerified.class)).hasSize(2);
  }
}
