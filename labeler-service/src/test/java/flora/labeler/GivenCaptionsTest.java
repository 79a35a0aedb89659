package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.labeler.image.DatasetException;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Captions that came with pictures find them, however systems and programs have named both. */
class GivenCaptionsTest {

  @TempDir Path folder;
  private final SettableClock clock = new SettableClock();
  private LabelerRig rig;

  @BeforeEach
  void start() {
    rig = new LabelerRig(new MemoryObjectStore(clock), folder);
  }

  @Test
  void aTableMayNameFoldersAsWindowsDoesAndWholePaths() throws Exception {
    picture("1.png", 0);
    picture("cat/1.png", 1);
    picture("dog/1.png", 2);
    picture("dog/2.png", 3);
    picture("3.png", 4);
    rig.drop(
            "set",
            "metadata.csv",
            "file_name,text\ncat\\1.png,a cat\n./dog//1.png,a dog\n"
                + "C:\\data\\set\\dog\\2.png,two dogs\n")
        .drop("set", "dog/metadata.jsonl", "{\"file_name\":\"../3.png\",\"text\":\"above\"}\n");

    var manifest = run();

    assertThat(text(manifest, "cat/1.png")).isEqualTo("a cat");
    assertThat(text(manifest, "dog/1.png")).isEqualTo("a dog");
    assertThat(text(manifest, "dog/2.png")).isEqualTo("two dogs");
    assertThat(text(manifest, "3.png")).isEqualTo("above");
    assertThat(image(manifest, "1.png").captionSource()).isEqualTo("clip");
    assertThat(manifest.rejected()).isEmpty();
  }

  @Test
  void ofTwoTablesSideBySideTheOneThatWasWrittenLastCounts() throws Exception {
    picture("a.png", 0);
    clock.now = Instant.parse("2025-01-02T00:00:00Z");
    rig.drop("set", "metadata.jsonl", "{\"file_name\":\"a.png\",\"text\":\"newer\"}\n");
    clock.now = Instant.parse("2025-01-01T00:00:00Z");
    rig.drop("set", "metadata.csv", "file_name,text\na.png,older\n");

    assertThat(text(run(), "a.png")).isEqualTo("newer");
  }

  @Test
  void picturesOfKindsThatAreNotDecodedAreLeftOutByName() throws Exception {
    picture("a.png", 0);
    rig.drop("set", "phone.HEIC", "....ftypheic").drop("set", "b.jfif", resource("shapes/01.png"));

    var manifest = run();

    assertThat(manifest.images()).extracting(Image::fileName).containsExactly("a.png", "b.jfif");
    assertThat(manifest.rejected())
        .singleElement()
        .satisfies(left -> assertThat(left.reason()).contains("convert the picture"));
  }

  @Test
  void aNameThatIsComposedOtherwiseIsTheSameName() throws Exception {
    var decomposed = Normalizer.normalize("caf\u00e9.png", Normalizer.Form.NFD);
    picture(decomposed, 0);
    picture("\u00fc.png", 1);
    rig.drop("set", "metadata.csv", "file_name,text\ncaf\u00e9.png,coffee\n")
        .drop("set", Normalizer.normalize("\u00fc.txt", Normalizer.Form.NFD), "beside it");

    var manifest = run();

    assertThat(text(manifest, decomposed)).isEqualTo("coffee");
    assertThat(text(manifest, "\u00fc.png")).isEqualTo("beside it");
  }

  @Test
  void aTextBesideAPictureCountsInCapitalsWithAMarkAndByTheWholeName() throws Exception {
    picture("A.PNG", 0);
    picture("b.png", 1);
    picture("c.gif.png", 2);
    picture("d.jpg", 3);
    picture("d.png", 4);
    rig.drop("set", "A.TXT", "loud")
        .drop("set", "b.txt", "\uFEFFmarked\r\n")
        .drop("set", "d.txt", "of both")
        .drop("set", "d.png.txt", "of one");

    var manifest = run();

    assertThat(text(manifest, "A.PNG")).isEqualTo("loud");
    assertThat(text(manifest, "b.png")).isEqualTo("marked");
    assertThat(text(manifest, "d.jpg")).isEqualTo("of both");
    assertThat(text(manifest, "d.png")).isEqualTo("of one");
    assertThat(image(manifest, "c.gif.png").captionSource()).isEqualTo("clip");
  }

  @Test
  void whatCannotBeReadIsNotGuessed() throws Exception {
    picture("a.png", 0);
    picture("b.png", 1);
    rig.drop("set", "a.txt", "gr\u00fcn".getBytes(StandardCharsets.ISO_8859_1));

    var manifest = run();

    assertThat(manifest.images()).extracting(Image::fileName).containsExactly("b.png");
    assertThat(manifest.rejected())
        .singleElement()
        .satisfies(left -> assertThat(left.reason()).contains("a.txt is not UTF-8"));

    rig.drop(
        "set",
        "metadata.csv",
        "file_name,text\nb.png,gr\u00fcn".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(this::run)
        .isInstanceOf(DatasetException.NotUnicode.class)
        .hasMessageContaining("metadata.csv");
  }

  @Test
  void hiddenFilesAndFilesWithoutAnEndingAreNoPictures() throws Exception {
    picture("a.png", 0);
    picture("._a.png", 1);
    picture(".thumbs/a.png", 2);
    picture("__MACOSX/a.png", 3);
    rig.drop("set", "png", "no ending").drop("set", "txt", "no ending");

    var manifest = run();

    assertThat(manifest.images()).extracting(Image::fileName).containsExactly("a.png");
    assertThat(manifest.rejected()).isEmpty();
  }

  private void picture(String name, int drawing) {
    rig.drop("set", name, resource("shapes/0" + drawing + ".png"));
  }

  private DatasetManifest run() throws InterruptedException {
    return rig.manifest(rig.run(COLOURS_AND_SHAPES.replace("name: shapes", "name: set")));
  }

  private static String text(DatasetManifest manifest, String fileName) {
    return image(manifest, fileName).text();
  }

  private static Image image(DatasetManifest manifest, String fileName) {
    return manifest.images().stream()
        .filter(i -> i.fileName().equals(fileName))
        .findFirst()
        .orElseThrow();
  }

  private static final class SettableClock extends Clock {
    Instant now = Instant.parse("2025-01-01T00:00:00Z");

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
