package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.request;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import flora.labeler.image.DatasetException;
import flora.schemas.ErrorCode;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataException;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.memory.MemoryObjectStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelerFlowTest {

  @TempDir Path folder;
  private MemoryObjectStore store;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    store = new MemoryObjectStore(Clock.systemUTC());
    rig = new LabelerRig(store, folder);
  }

  @Test
  void knowsTheDrawingsThatItsModelWasTrainedOn() throws Exception {
    var completed = rig.withShapes().run(COLOURS_AND_SHAPES);

    var truth =
        MetadataCsv.read(new String(resource("shapes/metadata.csv"), StandardCharsets.UTF_8));
    var written = MetadataCsv.read(rig.table(completed, "metadata.csv"));
    assertThat(written).hasSize(48);
    int right = 0;
    for (int i = 0; i < 48; i++) {
      assertThat(written.get(i).fileName()).isEqualTo(truth.get(i).fileName());
      right += ("a " + written.get(i).text()).equals(truth.get(i).text()) ? 1 : 0;
    }
    assertThat(right).isGreaterThanOrEqualTo(46);
    assertThat(completed.rows()).isEqualTo(48);
    var manifest = rig.manifest(completed);
    assertThat(manifest.labelModel()).isEqualTo("flora/shapes-clip@c0ffee");
    assertThat(manifest.images()).extracting(Image::captionSource).containsOnly("clip");
    assertThat(rig.table(completed, "labels.jsonl").lines()).hasSize(48);
    assertThat(rig.table(completed, "metadata.jsonl").lines().findFirst().orElseThrow())
        .isEqualTo("{\"file_name\":\"00.png\",\"text\":\"red circle\"}");
  }

  @Test
  void everyPictureLiesUnderItsDigestAndIsVerified() throws Exception {
    var completed = rig.withShapes().run(COLOURS_AND_SHAPES);

    for (var image : rig.manifest(completed).images()) {
      var bytes = rig.bytes(StoreLayout.blob(image.sha256()));
      assertThat(Sha256.sum(bytes)).isEqualTo(image.sha256());
      assertThat(bytes).hasSize((int) image.size());
      assertThat(store.head(StoreLayout.DATASETS, StoreLayout.verified(image.sha256())))
          .isPresent();
      assertThat(image.width()).isPositive();
    }
  }

  @Test
  void tellsWhatItDoes() throws Exception {
    rig.withShapes().drop("shapes", "broken.png", "not a picture");
    var context = rig.context();

    var completed = rig.run(request(COLOURS_AND_SHAPES), context);

    assertThat(context.events(LabelEvent.Started.class))
        .singleElement()
        .satisfies(e -> assertThat(e.total()).isEqualTo(49));
    assertThat(context.events(LabelEvent.ImageRejected.class))
        .singleElement()
        .satisfies(
            e -> {
              assertThat(e.fileName()).isEqualTo("broken.png");
              assertThat(e.reason()).startsWith("format: ");
            });
    var progress = context.events(LabelEvent.Progressed.class);
    assertThat(progress).extracting(LabelEvent.Progressed::done).isSorted().last().isEqualTo(49L);
    assertThat(completed.rejected()).isEqualTo(1);
    assertThat(rig.latest("shapes").orElseThrow().version()).isEqualTo(completed.version());
  }

  @Test
  void captionsThatCameWithThePicturesAreKept() throws Exception {
    rig.withShapes()
        .drop("shapes", "metadata.csv", "prompt,filename\r\n\"my, own\",00.png\r\n ,02.png\r\n")
        .drop("shapes", "01.txt", "from a sidecar\n")
        .drop("shapes", "00.txt", "the table counts");

    var images = rig.manifest(rig.run(COLOURS_AND_SHAPES)).images();

    assertThat(images.subList(0, 4))
        .extracting(Image::text, Image::captionSource)
        .containsExactly(
            tuple("my, own", "user"),
            tuple("from a sidecar", "user"),
            tuple("red triangle", "clip"),
            tuple("red star", "clip"));
  }

  @Test
  void aTriggerWordStandsInFrontOfCaptionsThatAreMade() throws Exception {
    rig.withShapes().drop("shapes", "00.txt", "mine");

    var images =
        rig.manifest(rig.run(COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 1, trigger_word: sks")))
            .images();

    assertThat(images.get(0).text()).isEqualTo("mine");
    assertThat(images.get(1).text()).isEqualTo("sks, red square");
  }

  @Test
  void withoutALabelerOnlyCaptionedPicturesCountAndNoModelIsNeeded() throws Exception {
    rig.withShapes()
        .drop("shapes", "metadata.csv", "file_name,text\n00.png,one\nabsent.png,nowhere\n");
    var context = new LabelerRig.Context(Head.empty(LabelerRig.RUN), Integer.MAX_VALUE);

    var completed = rig.run(request("dataset: {name: shapes, label: {labeler: none}}"), context);

    assertThat(completed.rows()).isEqualTo(1);
    assertThat(completed.rejected()).isEqualTo(48);
    assertThat(rig.manifest(completed).labelModel()).isNull();
    var rejected = rig.table(completed, "rejected.csv");
    assertThat(rejected.lines()).hasSize(49);
    assertThat(rejected)
        .contains("01.png,\"no caption came with it, and the labeler is none\"")
        .contains("absent.png,\"metadata.csv names it, but it is not in the dataset\"");
  }

  @Test
  void aBrokenPictureABombAndAnUnknownFormatAreLeftOutAndTheRunGoesOn() throws Exception {
    var whole = resource("shapes/07.png");
    rig.drop("shapes", "a-whole.png", whole)
        .drop("shapes", "b-cut.png", Arrays.copyOf(whole, whole.length / 2))
        .drop("shapes", "c-bomb.png", bomb(60_000, 60_000))
        .drop("shapes", "d-cmyk.jpg", resource("cmyk.jpg"))
        .drop("shapes", "e.webp", "RIFF....WEBPVP8 ")
        .drop("shapes", "notes.md", "not a picture, and nobody says it is");

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(rig.manifest(completed).images())
        .extracting(Image::fileName)
        .containsExactly("a-whole.png", "d-cmyk.jpg");
    assertThat(rig.table(completed, "rejected.csv").lines())
        .anyMatch(l -> l.startsWith("b-cut.png,"))
        .anyMatch(l -> l.startsWith("c-bomb.png,") && l.contains("too large"))
        .anyMatch(l -> l.startsWith("e.webp,") && l.contains("format"))
        .hasSize(4);
  }

  @Test
  void theSamePicturesAreTheSameVersionAndNothingIsWrittenTwice() throws Exception {
    rig.withShapes();
    var first = rig.run(COLOURS_AND_SHAPES);
    var keys = rig.keys("");

    var second = rig.run(COLOURS_AND_SHAPES);

    assertThat(second.version()).isEqualTo(first.version());
    assertThat(rig.keys("")).isEqualTo(keys);

    rig.drop("shapes", "00.txt", "now with a caption");
    var third = rig.run(COLOURS_AND_SHAPES);
    assertThat(third.version()).isNotEqualTo(first.version());
    assertThat(rig.latest("shapes").orElseThrow().version()).isEqualTo(third.version());
    assertThat(rig.manifest(first).images().getFirst().text()).isEqualTo("red circle");
  }

  @Test
  void anAttemptThatDiesLeavesNothingVisibleAndTheNextOneEndsInTheSameVersion() throws Exception {
    var undisturbed =
        new LabelerRig(new MemoryObjectStore(Clock.systemUTC()), folder.resolve("other"))
            .withShapes();
    var expected = undisturbed.run(COLOURS_AND_SHAPES).version();
    // the second run finds the labels' embeddings, as all attempts but the first two will
    var context = undisturbed.context();
    undisturbed.run(request(COLOURS_AND_SHAPES), context);

    rig.withShapes();
    // in the labels, among the pictures, before the tables, and before latest.json
    for (int death : List.of(2, context.asked() / 2, context.asked() - 1, context.asked())) {
      var dying = rig.contextThatDiesAt(death);
      assertThatThrownBy(() -> rig.run(request(COLOURS_AND_SHAPES), dying))
          .isInstanceOf(StageContext.LeaseLost.class);
      assertThat(rig.latest("shapes")).isEmpty();
    }
    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(completed.version()).isEqualTo(expected);
    assertThat(rig.latest("shapes").orElseThrow().version()).isEqualTo(expected);
    assertThat(rig.folder().resolve("work")).isEmptyDirectory();
  }

  @Test
  void aDatasetOfAHubIsLabeledFromItsOwnFiles() throws Exception {
    var files = new ArrayList<RepoManifest.Entry>();
    for (var file : List.of("00.png", "01.png")) {
      files.add(entry("train/" + file, resource("shapes/" + file)));
    }
    files.add(
        entry(
            "train/metadata.csv",
            "file_name,text\n01.png,of the hub\n".getBytes(StandardCharsets.UTF_8)));
    var dataset =
        rig.manifest(RepoRole.DATASET, new RepoId("me/shapes"), StoreLayout.DATASETS, files);
    var snapshots = new ArrayList<>(rig.head().fetch().snapshots());
    snapshots.add(dataset);
    var head =
        Head.empty(LabelerRig.RUN)
            .with(new FetchEvent.Completed(LabelerRig.RUN, 1, 1, Instant.EPOCH, 0, snapshots));

    var completed =
        rig.run(
            request(COLOURS_AND_SHAPES.replace("name: shapes", "hub: me/shapes")),
            new LabelerRig.Context(head, Integer.MAX_VALUE));

    assertThat(MetadataCsv.read(rig.table(completed, "metadata.csv")))
        .containsExactly(
            new CaptionRow("train/00.png", "red circle"),
            new CaptionRow("train/01.png", "of the hub"));
  }

  @Test
  void theBuiltInLabelsNameAtLeastASubject() throws Exception {
    rig.drop("shapes", "00.png", resource("shapes/00.png"));

    var completed =
        rig.run("dataset: {name: shapes, label: {model: flora/shapes-clip, templates: ['{}']}}");

    assertThat(rig.manifest(completed).images().getFirst().text()).isNotBlank();
    assertThat(rig.table(completed, "labels.jsonl")).contains("\"probability\":");
  }

  @Test
  void whatCannotBeDoneHasAName() {
    assertThat(failure("nowhere").code()).isEqualTo(ErrorCode.DATASET_NOT_FOUND);

    rig.drop("texts", "readme.md", "x");
    assertThat(failure("texts").code()).isEqualTo(ErrorCode.DATASET_EMPTY);

    rig.drop("broken", "a.png", "x").drop("broken", "b.jpg", "y");
    assertThat(failure("broken")).hasMessageContaining("2 left out, the first is a.png");

    rig.drop("shapes", "00.png", resource("shapes/00.png"))
        .drop("shapes", "metadata.csv", "file_name,text\n00.png,never \"closed\n");
    assertThat(catchThrowableOfType(MetadataException.class, () -> rig.run(COLOURS_AND_SHAPES)))
        .hasMessageContaining("line 2");
  }

  @Test
  void aModelThatIsNoClipIsRefusedByName() {
    rig.withShapes();
    var config = "{\"model_type\":\"blip\"}".getBytes(StandardCharsets.UTF_8);
    var weights = resource("shapes-clip/tokenizer.json");
    var model =
        rig.manifest(
            RepoRole.LABEL_MODEL,
            new RepoId("flora/other"),
            StoreLayout.MODELS,
            List.of(
                modelEntry("config.json", config),
                modelEntry("tokenizer.json", weights),
                modelEntry(
                    "preprocessor_config.json", resource("shapes-clip/preprocessor_config.json"))));
    var head =
        Head.empty(LabelerRig.RUN)
            .with(new FetchEvent.Completed(LabelerRig.RUN, 1, 1, Instant.EPOCH, 0, List.of(model)));

    assertThatThrownBy(
            () ->
                rig.run(
                    request(COLOURS_AND_SHAPES), new LabelerRig.Context(head, Integer.MAX_VALUE)))
        .isInstanceOf(LabelModelException.Unsupported.class)
        .hasMessageContaining("flora/other@c0ffee")
        .hasMessageContaining("model_type");
    assertThat(rig.folder().resolve("work")).isEmptyDirectory();
  }

  private DatasetException failure(String dataset) {
    return catchThrowableOfType(
        DatasetException.class,
        () -> rig.run(COLOURS_AND_SHAPES.replace("name: shapes", "name: " + dataset)));
  }

  private RepoManifest.Entry entry(String path, byte[] bytes) {
    return put(StoreLayout.DATASETS, path, bytes);
  }

  private RepoManifest.Entry modelEntry(String path, byte[] bytes) {
    return put(StoreLayout.MODELS, path, bytes);
  }

  private RepoManifest.Entry put(String bucket, String path, byte[] bytes) {
    var digest = Sha256.sum(bytes);
    store.put(bucket, StoreLayout.blob(digest), bytes, "application/octet-stream");
    return new RepoManifest.Entry(
        path, bytes.length, digest, null, "lfs-sha256", "store", Instant.EPOCH, List.of(), null);
  }

  /** A sound PNG header that promises a great many pixels. */
  private static byte[] bomb(int width, int height) {
    var png = ByteBuffer.allocate(8 + 25 + 12);
    png.put(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
    chunk(
        png,
        "IHDR",
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put(new byte[] {8, 2, 0, 0, 0})
            .array());
    chunk(png, "IEND", new byte[0]);
    return png.array();
  }

  private static void chunk(ByteBuffer png, String type, byte[] data) {
    var crc = new CRC32();
    crc.update(type.getBytes(StandardCharsets.US_ASCII));
    crc.update(data);
    png.putInt(data.length)
        .put(type.getBytes(StandardCharsets.US_ASCII))
        .put(data)
        .putInt((int) crc.getValue());
  }
}
