package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fetcher.convert.PickleRefused;
import flora.hub.HubClient;
import flora.hub.HubSettings;
import flora.hub.RetryPolicy;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.s3.S3ObjectStore;
import flora.tensors.SafetensorsFile;
import flora.tensors.pickle.ByteSource;
import flora.tensors.pickle.PickledCheckpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Repositories whose weights are pickles come out as safetensors, or with the reason why not. */
class PickledRepositoryTest {

  @TempDir static Path folder;
  private static EmbeddedS3 s3;
  private static S3ObjectStore s3Store;

  private final FakeHub hub = FakeHub.start(0);
  private final HubClient client =
      new HubClient(
          new HubSettings(
              hub.endpoint(),
              "",
              Set.of(),
              Duration.ofSeconds(5),
              Duration.ofSeconds(5),
              new HubSettings.Proxies("", "", ""),
              null),
          RetryPolicy.DEFAULT,
          Clock.systemUTC());

  /** Keys that were read from, whole or in part. */
  private final List<String> opened = new CopyOnWriteArrayList<>();

  /** A key whose writing fails. */
  private String deadKey = "";

  private Runnable whenOpened = () -> {};

  private final ObjectStore store = noting(s3Store);
  private final FetcherFlow flow = Flows.of(client, store);

  @BeforeAll
  static void startAll() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
    s3Store = Stores.connect(s3);
  }

  @AfterAll
  static void stopAll() throws Exception {
    s3Store.close();
    s3.close();
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
    for (var bucket : StoreLayout.BUCKETS) {
      try (var all = s3Store.list(bucket, "")) {
        all.map(ObjectInfo::key).toList().forEach(key -> s3Store.delete(bucket, key));
      }
    }
  }

  private ObjectStore noting(ObjectStore inner) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("open")) {
                opened.add((String) arguments[1]);
                whenOpened.run();
              }
              if (method.getName().equals("put") && arguments[1].equals(deadKey)) {
                throw new ObjectStoreException.Rejected("killed", null);
              }
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static byte[] resource(String name) {
    try {
      return Files.readAllBytes(Path.of("src/test/resources/flora/fetcher", name));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static FakeRepo pickled(String id, byte[] pickle) {
    return FakeRepo.model(id)
        .file("config.json", "{\"model_type\": \"opt\"}")
        .file("merges.txt", "#version")
        .file("vocab.json", "{}")
        .file("pytorch_model.bin", pickle)
        .commit("main");
  }

  private RepoManifest fetch(String repo) throws InterruptedException {
    var context = new RecordingContext();
    var done = (FetchEvent.Completed) context.say(flow.run(Requests.mirror(repo), context));
    var manifest = done.snapshots().getFirst().manifest();
    return Json.read(
        store.read(manifest.bucket(), manifest.key()).orElseThrow().bytes(), RepoManifest.class);
  }

  private byte[] blob(RepoManifest.Entry entry) {
    var stored = store.read(StoreLayout.MODELS, StoreLayout.blob(entry.sha256())).orElseThrow();
    assertThat(stored.bytes()).hasSize((int) entry.size());
    assertThat(Sha256.sum(stored.bytes())).isEqualTo(entry.sha256());
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.verified(entry.sha256()))).isPresent();
    return stored.bytes();
  }

  private static void compare(byte[] converted, String expected) throws IOException {
    Path path = Files.write(folder.resolve("converted.safetensors"), converted);
    try (var ours = SafetensorsFile.open(path);
        var theirs = SafetensorsFile.open(Path.of("src/test/resources/flora/fetcher", expected))) {
      assertThat(ours.tensors()).isEqualTo(theirs.tensors());
      for (var name : theirs.tensors().keySet()) {
        assertThat(ours.data(name).mismatch(theirs.data(name))).as(name).isEqualTo(-1);
      }
    }
  }

  @Test
  void aDownloadOfWhatAPickleBecomesHasNothingToJoinOverIt() throws Exception {
    hub.add(pickled("flora/pickled", resource("zip2.bin")));
    var entry = fetch("flora/pickled").file("model.safetensors").orElseThrow();
    store.delete(StoreLayout.MODELS, StoreLayout.verified(entry.sha256()));
    var state = StoreLayout.upload(entry.sha256().hex());
    try (var upload =
        store.startMultipart(
            StoreLayout.MODELS, StoreLayout.blob(entry.sha256()), "application/octet-stream")) {
      upload.part(1, new byte[] {1, 2, 3}, 3);
      var json =
          """
          {"upload_id": "%s", "owner": "somebody", "expires": "%s"}"""
              .formatted(upload.uploadId(), Instant.now().plusSeconds(60));
      store.put(
          StoreLayout.MODELS, state, json.getBytes(StandardCharsets.UTF_8), "application/json");

      var again = fetch("flora/pickled").file("model.safetensors").orElseThrow();

      assertThatThrownBy(upload::complete).isInstanceOf(ObjectStoreException.class);
      assertThat(blob(again)).hasSize((int) entry.size());
      assertThat(store.head(StoreLayout.MODELS, state)).isEmpty();
    }
  }

  @Test
  void theManifestHasSafetensorsInPlaceOfThePickleAndBothDigests() throws Exception {
    byte[] pickle = resource("zip2.bin");
    hub.add(pickled("flora/pickled", pickle));

    var manifest = fetch("flora/pickled");

    assertThat(manifest.files())
        .extracting(RepoManifest.Entry::path)
        .containsExactly("config.json", "merges.txt", "model.safetensors", "vocab.json");
    var entry = manifest.file("model.safetensors").orElseThrow();
    assertThat(entry.convertedFrom())
        .isEqualTo(
            new RepoManifest.Original("pytorch_model.bin", pickle.length, Sha256.sum(pickle)));
    assertThat(entry.verifiedBy()).isEqualTo("lfs-sha256");
    assertThat(entry.gitSha1()).isNull();
    compare(blob(entry), "values.safetensors");
  }

  @Test
  void aSecondRunFindsWhatWasConverted() throws Exception {
    byte[] pickle = resource("zip2.bin");
    hub.add(pickled("flora/pickled", pickle));
    hub.add(pickled("flora/the-same", pickle));
    var first = fetch("flora/pickled");
    assertThat(opened).contains(StoreLayout.blob(Sha256.sum(pickle)));
    opened.clear();

    assertThat(fetch("flora/the-same").file("model.safetensors"))
        .isEqualTo(first.file("model.safetensors"));
    assertThat(opened).isEmpty();
  }

  @Test
  void convertsAgainWhenTheConvertedBlobIsGone() throws Exception {
    hub.add(pickled("flora/pickled", resource("zip2.bin")));
    var entry = fetch("flora/pickled").file("model.safetensors").orElseThrow();
    store.delete(StoreLayout.MODELS, StoreLayout.blob(entry.sha256()));

    assertThat(fetch("flora/pickled").file("model.safetensors")).hasValue(entry);
    compare(blob(entry), "values.safetensors");
  }

  @Test
  void convertsEveryShardAndTheirIndex() throws Exception {
    hub.add(
        FakeRepo.model("flora/sharded")
            .file("config.json", "{}")
            .file("tokenizer.json", "{}")
            .file("pytorch_model-00001-of-00002.bin", resource("zip2.bin"))
            .file("pytorch_model-00002-of-00002.bin", resource("wide.bin"))
            .file(
                "pytorch_model.bin.index.json",
                """
                {"metadata": {"total_size": 9},
                 "weight_map": {"f32": "pytorch_model-00001-of-00002.bin",
                                "u16": "pytorch_model-00002-of-00002.bin"}}
                """)
            .commit("main"));

    var manifest = fetch("flora/sharded");

    assertThat(manifest.files())
        .extracting(RepoManifest.Entry::path)
        .containsExactly(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json");
    compare(
        blob(manifest.file("model-00002-of-00002.safetensors").orElseThrow()), "wide.safetensors");
    var index = manifest.file("model.safetensors.index.json").orElseThrow();
    assertThat(new String(blob(index), StandardCharsets.UTF_8))
        .isEqualToIgnoringWhitespace(
            """
            {"metadata": {"total_size": 9},
             "weight_map": {"f32": "model-00001-of-00002.safetensors",
                            "u16": "model-00002-of-00002.safetensors"}}
            """);
  }

  @Test
  void whatTheRepositoryHasItselfStaysBesideWhatWasMade() throws Exception {
    hub.add(pickled("flora/pickled", resource("zip2.bin")));
    fetch("flora/pickled");
    var context = new RecordingContext();
    flow.run(Requests.mirror("flora/pickled", List.of("*.bin"), List.of()), context);

    try (var keys = store.list(StoreLayout.MODELS, "models/")) {
      var key = keys.map(ObjectInfo::key).filter(k -> k.endsWith("manifest.json")).findFirst();
      var shared =
          Json.read(
              store.read(StoreLayout.MODELS, key.orElseThrow()).orElseThrow().bytes(),
              RepoManifest.class);
      assertThat(shared.files())
          .extracting(RepoManifest.Entry::path)
          .contains("model.safetensors", "pytorch_model.bin");
    }
  }

  @Test
  void whatWasKilledAtAnyWriteIsDoneAgainAndNothingOfItCounts() throws Exception {
    byte[] pickle = resource("zip2.bin");
    hub.add(pickled("flora/pickled", pickle));
    var blob = StoreLayout.blob(convertedDigest());
    for (var key :
        List.of(
            blob,
            StoreLayout.verified(convertedDigest()),
            StoreLayout.converted(Sha256.sum(pickle)))) {
      deadKey = key;
      assertThatThrownBy(() -> flow.run(Requests.mirror("flora/pickled"), new RecordingContext()))
          .isInstanceOf(ObjectStoreException.Rejected.class);

      assertThat(store.head(StoreLayout.MODELS, key)).isEmpty();
      assertThat(store.head(StoreLayout.MODELS, StoreLayout.converted(Sha256.sum(pickle))))
          .isEmpty();
      assertThat(manifests()).isEmpty();
    }
    deadKey = "";

    var entry = fetch("flora/pickled").file("model.safetensors").orElseThrow();
    assertThat(StoreLayout.blob(entry.sha256())).isEqualTo(blob);
    compare(blob(entry), "values.safetensors");
  }

  @Test
  void aCancelledRunStopsWhileConverting() {
    hub.add(pickled("flora/pickled", resource("zip2.bin")));
    var context = new RecordingContext();
    whenOpened = () -> context.cancelled = true;

    assertThatThrownBy(() -> flow.run(Requests.mirror("flora/pickled"), context))
        .isInstanceOf(StageContext.RunCancelled.class);
    assertThat(manifests()).isEmpty();
  }

  private static Sha256 convertedDigest() throws IOException {
    var out = new ByteArrayOutputStream();
    PickledCheckpoint.open(
            "x", ByteSource.file(Path.of("src/test/resources/flora/fetcher/zip2.bin")))
        .toSafetensors()
        .writeTo(out);
    return Sha256.sum(out.toByteArray());
  }

  private List<String> manifests() {
    try (var keys = store.list(StoreLayout.MODELS, "models/")) {
      return keys.map(ObjectInfo::key).filter(k -> k.endsWith("manifest.json")).toList();
    }
  }

  @Test
  void aHostilePickleEndsTheRunWithItsName() {
    var evil = "\u0080\2cos\nsystem\nX\2\0\0\0id\u0085R.".getBytes(StandardCharsets.ISO_8859_1);
    hub.add(pickled("flora/evil", evil));
    hub.add(pickled("flora/module", resource("module.bin")));

    for (var named :
        Map.of(
                "flora/evil", "os.system",
                "flora/module", "torch.nn.modules.container.Sequential")
            .entrySet()) {
      var refused =
          catchThrowableOfType(
              PickleRefused.class,
              () -> flow.run(Requests.mirror(named.getKey()), new RecordingContext()));
      assertThat(refused.code()).isEqualTo(ErrorCode.PICKLE_REFUSED);
      assertThat(refused)
          .hasMessageContainingAll(named.getKey(), "pytorch_model.bin", named.getValue());
      assertThat(refused.hint()).contains(".safetensors");
    }
    assertThat(manifests()).isEmpty();
  }
}
