package flora.gateway.dataset;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.gateway.error.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetArchiveTest {

  private static final long LIMIT = 1 << 20;
  private static final DatasetArchive.Tables TABLES =
      (_, in) -> new String(in.readAllBytes(), UTF_8).lines().count() - 1;

  @TempDir Path folder;

  @Test
  void takesWhatIsReadAndSaysWhatIsNot() throws IOException {
    var archive =
        zip(
            "style/",
            null,
            "style/a.png",
            "aa",
            "style/sub/b.JPG",
            "b",
            "style/metadata.csv",
            "file_name,text\na.png,x\nb,y\n",
            "style/readme.md",
            "no",
            "__MACOSX/style/._a.png",
            "no",
            ".DS_Store",
            "no");

    var contents = archive.check(TABLES);

    assertThat(contents.files()).isEqualTo(3);
    assertThat(contents.rows()).isEqualTo(2);
    assertThat(contents.skipped())
        .containsExactly("style/readme.md", "__MACOSX/style/._a.png", ".DS_Store");
    var unpacked = new LinkedHashMap<String, String>();
    archive.unpack((name, in) -> unpacked.put(name, new String(in.readAllBytes(), UTF_8)));
    assertThat(unpacked)
        .containsOnlyKeys("style/a.png", "style/sub/b.JPG", "style/metadata.csv")
        .containsEntry("style/a.png", "aa");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../a.png",
        "a/../../b.png",
        "/etc/a.png",
        "a//b.png",
        "./a.png",
        "C:/a.png",
        "a\\b.png",
        "a\u0000.png",
        "a\n.png"
      })
  void refusesNamesThatLeadAstray(String name) throws IOException {
    var archive = zip("fine.png", "x", name, "x");

    assertThatThrownBy(() -> archive.check(TABLES))
        .isInstanceOf(Refusal.Invalid.class)
        .hasMessageContaining("leads out of it");
  }

  @Test
  void refusesANameThatNoStoreCouldTake() throws IOException {
    assertThatThrownBy(() -> zip("a".repeat(900) + ".png", "x").check(TABLES))
        .isInstanceOf(Refusal.Invalid.class);
    assertThatThrownBy(() -> zip("a.png/b.png", "x", "a.png", "x").check(TABLES))
        .hasMessageContaining("a file and a folder");
  }

  @Test
  void refusesAFileThatIsTooLarge() throws IOException {
    var archive = zip("a.png", noise((int) LIMIT + 1));

    assertThatThrownBy(() -> archive.check(TABLES)).isInstanceOf(Refusal.TooLarge.class);
    assertThat(zip("a.png", noise((int) LIMIT)).check(TABLES).size()).isEqualTo(LIMIT);
  }

  /** Each of its files is small enough; all of them together were made to fill a disk. */
  @Test
  void refusesAnArchiveThatGrowsTooMuch() throws IOException {
    var contents = new String[2 * 18];
    for (int i = 0; i < contents.length; i += 2) {
      contents[i] = i + ".png";
      contents[i + 1] = "\0".repeat((int) LIMIT);
    }

    assertThatThrownBy(() -> zip(contents).check(TABLES))
        .isInstanceOf(Refusal.Invalid.class)
        .hasMessageContaining("100 times");
  }

  @Test
  void refusesMoreInAllThanAnybodyUploads() throws IOException {
    var contents = new String[2 * 21];
    for (int i = 0; i < contents.length; i += 2) {
      contents[i] = i + ".png";
      contents[i + 1] = noise((int) LIMIT);
    }

    assertThatThrownBy(() -> zip(contents).check(TABLES)).isInstanceOf(Refusal.TooLarge.class);
  }

  @Test
  void refusesMoreFilesThanALabellingTakes() throws IOException {
    var file = folder.resolve("many.zip");
    try (var out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i <= 100_000; i++) {
        out.putNextEntry(new ZipEntry(i + ".txt"));
      }
    }

    assertThatThrownBy(() -> new DatasetArchive(file, LIMIT).check(TABLES))
        .hasMessageContaining("more than 100000 files");
  }

  @Test
  void refusesWhatIsNoArchiveOrHalfOfOne() throws IOException {
    var file = folder.resolve("none.zip");
    Files.writeString(file, "PK? not at all");
    assertThatThrownBy(() -> new DatasetArchive(file, LIMIT).check(TABLES))
        .isInstanceOf(Refusal.Invalid.class)
        .hasMessageContaining("it is none");

    zip("a.png", noise(100_000));
    var whole = Files.readAllBytes(folder.resolve("archive.zip"));
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> new DatasetArchive(file, LIMIT).check(TABLES))
        .isInstanceOf(Refusal.Invalid.class)
        .hasMessageContaining("in the middle");
  }

  private DatasetArchive zip(String... namesAndContents) throws IOException {
    var file = folder.resolve("archive.zip");
    try (var out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < namesAndContents.length; i += 2) {
        out.putNextEntry(new ZipEntry(namesAndContents[i]));
        var content = namesAndContents[i + 1];
        if (content != null) {
          out.write(content.getBytes(ISO_8859_1));
        }
        out.closeEntry();
      }
    }
    return new DatasetArchive(file, LIMIT);
  }

  private static String noise(int length) {
    var bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return new String(bytes, ISO_8859_1);
  }
}
