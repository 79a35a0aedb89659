package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import flora.schemas.Json;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.label.LabelEvent;
import flora.schemas.label.LabelRow;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RunRequest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is looked at again when a dataset is labelled again, and which caption counts. */
class IncrementalTest {

  @TempDir Path folder;
  private WatchedStore watched;
  private ObjectStore store;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    watched = new WatchedStore(new MemoryObjectStore(Clock.systemUTC()));
    store = watched.store;
    rig = new LabelerRig(store, folder);
    for (int i = 0; i < 6; i++) {
      rig.drop("shapes", i + ".png", resource("shapes/0" + i + ".png"));
    }
  }

  @Test
  void onlyTheChangedPictureIsLabelledAgain() throws Exception {
    var first = rig.run(COLOURS_AND_SHAPES);
    assertThat(rig.captioned()).isEqualTo(6);
    assertThat(first.labelled()).isEqualTo(6);
    assertThat(first.kept()).isZero();

    rig.drop("shapes", "3.png", resource("shapes/20.png"))
        .drop("shapes", "new.png", resource("shapes/21.png"));
    store.delete(StoreLayout.DATASETS, StoreLayout.incoming("shapes") + "0.png");
    var second = rig.run(COLOURS_AND_SHAPES);

    assertThat(rig.captioned()).isEqualTo(2);
    assertThat(second.labelled()).isEqualTo(2);
    assertThat(second.kept()).isEqualTo(4);
    var before = rig.manifest(first).images();
    var after = rig.manifest(second).images();
    assertThat(after)
        .extracting(Image::fileName)
        .containsExactly("1.png", "2.png", "3.png", "4.png", "5.png", "new.png");
    assertThat(after.subList(0, 2)).isEqualTo(before.subList(1, 3));
    assertThat(after.subList(3, 5)).isEqualTo(before.subList(4, 6));
    assertThat(after.get(2)).isNotEqualTo(before.get(3));
  }

  @Test
  void aKeptPictureIsNotEvenRead() throws Exception {
    rig.run(COLOURS_AND_SHAPES);
    rig.captioned();
    watched.opened.clear();

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(completed.kept()).isEqualTo(6);
    assertThat(watched.opened).noneMatch(key -> key.startsWith("incoming/"));
    assertThat(rig.captioned()).isZero();
  }

  @Test
  void otherOptionsLabelEverythingAgain() throws Exception {
    rig.run(COLOURS_AND_SHAPES);
    rig.captioned();

    rig.run(COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 1, trigger_word: sks"));

    assertThat(rig.captioned()).isEqualTo(6);
  }

  @Test
  void otherOptionsThatSayTheSameAreKnownTheNextTime() throws Exception {
    var first = rig.run(COLOURS_AND_SHAPES);
    var others = COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 1, token_limit: 70");
    assertThat(rig.run(others).version()).isEqualTo(first.version());
    rig.captioned();

    rig.run(others);

    assertThat(rig.captioned()).isZero();
  }

  @Test
  void aCaptionThatStaysWithoutItsFileHasAClassToo() throws Exception {
    rig.drop("shapes", "0.txt", "once said");
    rig.run(COLOURS_AND_SHAPES);
    store.delete(StoreLayout.DATASETS, StoreLayout.incoming("shapes") + "0.txt");
    var classes =
        COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 1, mode: single, target: zero-shot");

    var classified = rig.run(classes);

    assertThat(image(classified, "0.png").text()).isEqualTo("once said");
    assertThat(image(classified, "0.png").label()).isEqualTo("red circle");
    assertThat(classified.labelled()).isEqualTo(6);
    rig.captioned();

    var again = rig.run(classes);

    assertThat(again.labelled()).as("nothing is made anew").isZero();
    assertThat(again.version()).isEqualTo(classified.version());
    assertThat(rig.captioned()).isZero();
  }

  @Test
  void aFolderThatIsTheCaptionIsNotLookedAtTwice() throws Exception {
    rig.drop("pets", "cats/a.png", resource("shapes/00.png"));
    var first = rig.run(classes(), rig.context());
    watched.opened.clear();

    var second = rig.run(classes(), rig.context());

    assertThat(second.version()).isEqualTo(first.version());
    assertThat(watched.opened).noneMatch(key -> key.startsWith("incoming/"));
  }

  @Test
  void anAnimationThatWasKeptIsLeftOutOnceItIsUnwanted() throws Exception {
    rig.drop("shapes", "moving.gif", animation()).drop("shapes", "moving.txt", "it moves");
    assertThat(image(rig.run(COLOURS_AND_SHAPES), "moving.gif").text()).isEqualTo("it moves");

    var rejecting = rig.run(COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 1, animated: reject"));

    assertThat(rig.manifest(rejecting).images())
        .extracting(Image::fileName)
        .doesNotContain("moving.gif");
    assertThat(rig.table(rejecting, "rejected.csv")).contains("moving.gif,");
  }

  private static byte[] animation() throws IOException {
    var bytes = new ByteArrayOutputStream();
    var writer = ImageIO.getImageWritersByFormatName("gif").next();
    try (var out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.prepareWriteSequence(null);
      for (int i = 0; i < 2; i++) {
        var frame = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_INDEXED);
        writer.writeToSequence(new IIOImage(frame, null, null), null);
      }
      writer.endWriteSequence();
    }
    return bytes.toByteArray();
  }

  @Test
  void renamedAndUploadedAgainTheSameBytesAreKnown() throws Exception {
    rig.run(COLOURS_AND_SHAPES);
    rig.captioned();
    store.delete(StoreLayout.DATASETS, StoreLayout.incoming("shapes") + "2.png");
    rig.drop("shapes", "sub/two.png", resource("shapes/02.png"));

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(rig.captioned()).isZero();
    assertThat(image(completed, "sub/two.png").text()).isEqualTo("red triangle");
  }

  @Test
  void anEditSurvivesEveryRunUntilItIsTakenBack() throws Exception {
    rig.drop("shapes", "metadata.csv", "file_name,text\n1.png,of the table\n2.png,of the table\n");
    rig.run(COLOURS_AND_SHAPES);
    edit("0.png", "of a person");
    edit("1.png", "of a person too");

    var edited = rig.run(COLOURS_AND_SHAPES);
    assertThat(rig.manifest(edited).images().subList(0, 3))
        .extracting(Image::text, Image::captionSource)
        .containsExactly(
            tuple("of a person", "edit"),
            tuple("of a person too", "edit"),
            tuple("of the table", "user"));

    rig.captioned();
    var other = rig.run(COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 2"));
    assertThat(image(other, "0.png").text()).isEqualTo("of a person");
    assertThat(rig.captioned()).isEqualTo(3);

    edit("0.png", null);
    edit("1.png", null);
    var back = rig.run(COLOURS_AND_SHAPES);
    assertThat(image(back, "0.png").text()).isEqualTo("red circle");
    assertThat(image(back, "1.png").text()).isEqualTo("of the table");
  }

  @Test
  void aCaptionThatCameOnceStaysWhenItsFileIsGone() throws Exception {
    rig.drop("shapes", "0.txt", "once said");
    rig.run(COLOURS_AND_SHAPES);
    store.delete(StoreLayout.DATASETS, StoreLayout.incoming("shapes") + "0.txt");

    var completed = rig.run(COLOURS_AND_SHAPES.replace("top_k: 1", "top_k: 2"));

    assertThat(image(completed, "0.png").text()).isEqualTo("once said");
    assertThat(image(completed, "0.png").captionSource()).isEqualTo("user");
  }

  @Test
  void captionsOfEveryKindAreReadAndTheNearestCounts() throws Exception {
    var picture = resource("shapes/20.png");
    rig.drop("shapes", "0.caption", "beside it")
        .drop("shapes", "metadata.jsonl", "{\"file_name\":\"1.png\",\"text\":\"of a line\"}\n")
        .drop("shapes", "metadata.csv", "file_name,text\na/6.png,from afar\na/7.png,far\n")
        .drop("shapes", "a/metadata.jsonl", "{\"filename\":\"6.png\",\"prompt\":\"from near\"}")
        .drop("shapes", "a/6.png", picture)
        .drop("shapes", "a/6.txt", "the row counts")
        .drop("shapes", "a/7.png", resource("shapes/21.png"));

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(image(completed, "0.png").text()).isEqualTo("beside it");
    assertThat(image(completed, "1.png").text()).isEqualTo("of a line");
    assertThat(image(completed, "a/6.png").text()).isEqualTo("from near");
    assertThat(image(completed, "a/7.png").text()).isEqualTo("far");
  }

  @Test
  void picturesOfTheSameBytesAreLabelledOnceAndSayTheSame() throws Exception {
    for (var copy : List.of("a.png", "m/b.png", "z.png")) {
      rig.drop("shapes", copy, resource("shapes/03.png"));
    }
    rig.drop("shapes", "m/b.txt", "my own");

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(rig.captioned()).isEqualTo(6);
    assertThat(image(completed, "a.png").text()).isEqualTo(image(completed, "3.png").text());
    assertThat(image(completed, "z.png").captionSource()).isEqualTo("clip");
    assertThat(image(completed, "m/b.png").text()).isEqualTo("my own");
    assertThat(completed.rows()).isEqualTo(9);
  }

  @Test
  void aRowSaysAllThatTheNextRunNeeds() throws Exception {
    rig.drop("shapes", "5.txt", "mine");
    var completed = rig.run(COLOURS_AND_SHAPES);

    var rows =
        rig.table(completed, "labels.jsonl")
            .lines()
            .map(l -> Json.read(l.getBytes(StandardCharsets.UTF_8), LabelRow.class))
            .toList();

    var made = rows.getFirst();
    assertThat(made.model()).isEqualTo("flora/shapes-clip@c0ffee");
    assertThat(made.recipe()).isNotNull();
    assertThat(made.labels()).isNotEmpty();
    assertThat(made.etag()).isNotBlank();
    assertThat(made.phash()).matches("[0-9a-f]{16}");
    assertThat(made.thumb()).matches("[0-9a-f]{96}");
    assertThat(made.frames()).isEqualTo(1);
    var given = rows.get(5);
    assertThat(given.source()).isEqualTo("user");
    assertThat(given.recipe()).isNull();
    assertThat(given.model()).isNull();
  }

  @Test
  void foldersAreClassesAndThatIsACaptionWithoutAModel() throws Exception {
    var whole = resource("shapes/07.png");
    rig.drop("pets", "cats/a.png", resource("shapes/00.png"))
        .drop("pets", "all/dogs/b.png", resource("shapes/01.png"))
        .drop("pets", "all/dogs/b.txt", "a good boy")
        .drop("pets", "c.png", Arrays.copyOf(whole, whole.length));
    var request = classes();

    var completed = rig.run(request, rig.context());

    assertThat(rig.manifest(completed).images())
        .extracting(Image::fileName, Image::text, Image::label, Image::captionSource)
        .containsExactly(
            tuple("all/dogs/b.png", "a good boy", "dogs", "user"),
            tuple("cats/a.png", "cats", "cats", "folder"));
    assertThat(rig.table(completed, "metadata.csv"))
        .isEqualTo("file_name,text,label\nall/dogs/b.png,a good boy,dogs\ncats/a.png,cats,cats\n");
    assertThat(rig.table(completed, "rejected.csv")).contains("c.png,").contains("no folder");
    assertThat(rig.run(request, rig.context()).version()).isEqualTo(completed.version());
  }

  private static RunRequest classes() {
    var plain =
        new LabelOptions(LabelOptions.Labeler.NONE, null, Map.of(), List.of("{}"), 0.1, 3, null);
    return new RunRequest(
        "pets",
        null,
        new DatasetSource(
            "pets",
            null,
            new LabelOptions(
                plain.labeler(),
                null,
                null,
                plain.kinds(),
                plain.mode(),
                plain.templates(),
                plain.threshold(),
                plain.topK(),
                plain.rules(),
                plain.generation(),
                plain.precision(),
                LabelOptions.Target.FOLDERS,
                plain.animated(),
                false)),
        null);
  }

  private void edit(String fileName, @Nullable String text) {
    store.put(
        StoreLayout.DATASETS,
        StoreLayout.captionEdit("shapes", fileName),
        Json.bytes(new CaptionEdit(fileName, text, Instant.EPOCH)),
        "application/json");
  }

  private Image image(LabelEvent.Completed completed, String fileName) {
    return rig.manifest(completed).images().stream()
        .filter(i -> i.fileName().equals(fileName))
        .findFirst()
        .orElseThrow();
  }
}
