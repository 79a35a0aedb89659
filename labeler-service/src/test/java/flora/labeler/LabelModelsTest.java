package flora.labeler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.labeler.caption.Caption;
import flora.models.image.ImageDecoder;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.LabelOptions;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.LocalCache;
import flora.store.LocalFiles;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelModelsTest {

  private static final List<String> MODEL =
      List.of("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json");

  @TempDir Path folder;
  private MemoryObjectStore store;
  private LabelModels models;

  @BeforeEach
  void start() {
    store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    var cache = new LocalCache(store, LocalFiles.none(), folder.resolve("cache"), 1L << 30);
    models = new LabelModels(store, cache, folder.resolve("work"));
  }

  @Test
  void aRecipeNamesTheModelsWithoutOpeningThem() {
    var nowhere =
        new ObjectRef(StoreLayout.MODELS, "not/there.json", 1, Sha256.sum(new byte[] {1}));
    var head =
        head(
            new Snapshot(RepoRole.LABEL_MODEL, new RepoId("a/clip"), "main", "c1", nowhere),
            new Snapshot(RepoRole.CAPTION_MODEL, new RepoId("a/blip"), "main", "c2", nowhere));

    var both = LabelModels.recipe(options("blip+clip"), head);

    assertThat(both.labeler()).isEqualTo("blip+clip");
    assertThat(both.model()).isEqualTo("a/clip@c1");
    assertThat(both.captionModel()).isEqualTo("a/blip@c2");
    assertThat(LabelModels.recipe(options("clip"), head).captionModel()).isNull();
    assertThat(LabelModels.recipe(options("none"), Head.empty(LabelerRig.RUN)).model()).isNull();
  }

  @Test
  void bothModelsAreOpenedFromTheStoreAndLeaveNoFolders() {
    var head =
        head(
            snapshot(RepoRole.LABEL_MODEL, "shapes-clip"),
            snapshot(RepoRole.CAPTION_MODEL, "shapes-blip"));

    var caption = caption(options("blip+clip"), head);

    assertThat(caption.raw()).isEqualTo("a red circle");
    assertThat(caption.labels()).extracting(s -> s.label()).containsExactly("red");
    assertThat(caption.text()).isEqualTo("sks, a red circle");
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void blipAloneIsTheLabelModel() {
    var caption = caption(options("blip"), head(snapshot(RepoRole.LABEL_MODEL, "shapes-blip")));

    assertThat(caption.text()).isEqualTo("sks, a red circle");
    assertThat(caption.labels()).isEmpty();
  }

  @Test
  void theSecondRunFindsTheLabelsEmbedded() {
    var head = head(snapshot(RepoRole.LABEL_MODEL, "shapes-clip"));
    var first = new AtomicInteger();
    var second = new AtomicInteger();

    var many = options("clip", "\"red\", ".repeat(40) + "\"blue\"");

    models.open(many, head, first::incrementAndGet).close();
    models.open(many, head, second::incrementAndGet).close();

    try (var kept = store.list(StoreLayout.MODELS, StoreLayout.LABEL_EMBEDDINGS)) {
      assertThat(kept)
          .singleElement()
          .satisfies(o -> assertThat(o.key()).contains("/flora/shapes-clip/c0ffee/"));
    }
    // once for the folder, then for each batch of prompts
    assertThat(first.get()).isGreaterThan(1);
    assertThat(second).hasValue(1);
  }

  @Test
  void aModelThatWasNotFetchedIsNamed() {
    var head = head(snapshot(RepoRole.LABEL_MODEL, "shapes-clip"));

    assertThatThrownBy(() -> models.open(options("blip+clip"), head, () -> {}))
        .isInstanceOf(LabelModelException.NotFetched.class)
        .hasMessageContaining("CAPTION_MODEL");
  }

  @Test
  void aModelOfTheOtherKindIsRefusedWithWhatToName() {
    var clip = snapshot(RepoRole.LABEL_MODEL, "shapes-clip");
    var blip = snapshot(RepoRole.LABEL_MODEL, "shapes-blip");
    var notBlip = snapshot(RepoRole.CAPTION_MODEL, "shapes-clip");

    refused("clip", head(blip), "CLIP", "label.model");
    refused("blip", head(clip), "BLIP", "label.model");
    refused("blip+clip", head(clip, notBlip), "BLIP", "label.caption_model");
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void tokensAreCountedAsTheModelDoesThatIsTrained() {
    var clip = snapshot(RepoRole.LABEL_MODEL, "shapes-clip");
    var blip = snapshot(RepoRole.LABEL_MODEL, "shapes-blip");
    var base =
        put(
            RepoRole.BASE_MODEL,
            "base",
            List.of(
                entry("tokenizer/tokenizer.json", "shapes-clip/tokenizer.json"),
                // not what it says: must not be opened
                entry("unet/model.safetensors", "shapes-clip/config.json")));

    assertThat(models.tokenCounter(head(clip)).count("a red circle")).isEqualTo(5);
    assertThat(models.tokenCounter(head(blip, base)).count("a red circle")).isEqualTo(5);
    assertThat(models.tokenCounter(head(blip))).isNull();
    assertThat(models.tokenCounter(Head.empty(LabelerRig.RUN))).isNull();
  }

  private void refused(String labeler, Head head, String family, String field) {
    assertThatThrownBy(() -> models.open(options(labeler), head, () -> {}))
        .isInstanceOfSatisfying(
            LabelModelException.Unsupported.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.MODEL_UNSUPPORTED);
              assertThat(e.getMessage()).doesNotContain(folder.toString());
              assertThat(e.hint()).contains("name a " + family + " model").endsWith(field);
            });
  }

  private Caption caption(LabelOptions options, Head head) {
    try (var captioner = models.open(options, head, () -> {})) {
      var picture = new ImageDecoder().decode(LabelerRig.resource("shapes/00.png"));
      return captioner.caption(List.of(captioner.prepare(picture)), () -> {}).getFirst();
    }
  }

  private static LabelOptions options(String labeler) {
    return options(labeler, "\"red\", \"blue\", \"green\"");
  }

  private static LabelOptions options(String labeler, String labels) {
    return Json.read(
        """
        {"labeler": "%s", "labels": [%s], "templates": ["{} circle"],
         "threshold": 0.5, "top_k": 1, "trigger_word": "sks"}
        """
            .formatted(labeler, labels)
            .getBytes(StandardCharsets.UTF_8),
        LabelOptions.class);
  }

  private static Head head(Snapshot... snapshots) {
    return Head.empty(LabelerRig.RUN)
        .with(new FetchEvent.Completed(LabelerRig.RUN, 1, 1, Instant.EPOCH, 0, List.of(snapshots)));
  }

  private Snapshot snapshot(RepoRole role, String name) {
    var files = new ArrayList<RepoManifest.Entry>();
    MODEL.forEach(file -> files.add(entry(file, name + "/" + file)));
    return put(role, name, files);
  }

  private RepoManifest.Entry entry(String path, String resource) {
    var bytes = LabelerRig.resource(resource);
    var digest = Sha256.sum(bytes);
    store.put(StoreLayout.MODELS, StoreLayout.blob(digest), bytes, "application/octet-stream");
    return new RepoManifest.Entry(
        path, bytes.length, digest, null, "lfs-sha256", "store", Instant.EPOCH, List.of(), null);
  }

  private Snapshot put(RepoRole role, String name, List<RepoManifest.Entry> files) {
    var repo = new RepoId("flora/" + name);
    var json = Json.bytes(new RepoManifest(repo, "c0ffee", files));
    var key = StoreLayout.modelManifest(repo, "c0ffee");
    store.put(StoreLayout.MODELS, key, json, "application/json");
    return new Snapshot(
        role,
        repo,
        "main",
        "c0ffee",
        new ObjectRef(StoreLayout.MODELS, key, json.length, Sha256.sum(json)));
  }
}
