package flora.standalone.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataJsonl;
import flora.standalone.Standalone;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flora label} as somebody types it, against a server with a tiny model. */
class LabelCommandIT {

  private static final String CLIP = "tiny-research/tiny-clip";
  private static final Path PARITY = Path.of("..", "models", "src", "test", "resources", "parity");

  @TempDir static Path data;
  @TempDir Path here;

  private static FakeHub hub;
  private static Standalone flora;

  private String out = "";
  private String err = "";

  @BeforeAll
  static void start() throws Exception {
    hub = FakeHub.start(0).repo(CLIP, PARITY.resolve("models/tiny-clip"));
    flora =
        Standalone.start(
            Map.of(
                "FLORA_DATA", data.toString(),
                "FLORA_PORT", "0",
                "FLORA_KAFKA_PORT", "0",
                "FLORA_S3_PORT", "0",
                "HF_ENDPOINT", hub.endpoint().toString()));
  }

  @AfterAll
  static void stop() {
    if (flora != null) {
      flora.close();
    }
    if (hub != null) {
      hub.close();
    }
  }

  private int label(Path folder, Path output, String... more) {
    var command = labelling(folder, output);
    command.addAll(List.of(more));
    return flora(command);
  }

  private static List<String> labelling(Path folder, Path output) {
    return new ArrayList<>(
        List.of(
            "label",
            "--input",
            folder.toString(),
            "--output",
            output.toString(),
            "--model",
            CLIP,
            "--labels",
            "a red circle,a blue square"));
  }

  private int flora(List<String> command) {
    command.addAll(List.of("--server", flora.gateway().toString()));
    var standardOut = System.out;
    var standardErr = System.err;
    var outBytes = new ByteArrayOutputStream();
    var errBytes = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(outBytes, true, UTF_8));
      System.setErr(new PrintStream(errBytes, true, UTF_8));
      return Main.commandLine().execute(command.toArray(String[]::new));
    } finally {
      System.setOut(standardOut);
      System.setErr(standardErr);
      out = outBytes.toString(UTF_8);
      err = errBytes.toString(UTF_8);
    }
  }

  private Path folder(String name, String... pictures) throws IOException {
    var folder = Files.createDirectories(here.resolve(name));
    for (var picture : pictures) {
      Files.copy(PARITY.resolve("images").resolve(picture), folder.resolve(picture));
    }
    return folder;
  }

  private static List<CaptionRow> rows(Path csv) throws IOException {
    return MetadataCsv.read(Files.readString(csv));
  }

  @Test
  void leavesTheTableBesideThePicturesAndGoesOnFromIt() throws Exception {
    var folder = folder("style_train", "exif6.jpg", "gray.png", "wide.png");
    var table = folder.resolve("metadata.csv");

    assertThat(label(folder, table, "--trigger-word", "zebra")).as(err).isZero();
    assertThat(out).endsWith(table + System.lineSeparator());
    assertThat(rows(table))
        .extracting(CaptionRow::fileName)
        .containsExactly("exif6.jpg", "gray.png", "wide.png");
    assertThat(rows(table)).allSatisfy(row -> assertThat(row.text()).startsWith("zebra"));

    // nobody changed them: with other options they are made anew
    assertThat(label(folder, table, "--trigger-word", "okapi")).as(err).isZero();
    assertThat(rows(table)).allSatisfy(row -> assertThat(row.text()).startsWith("okapi"));

    // somebody did: what a person wrote stays
    var edited = new ArrayList<>(rows(table));
    edited.set(1, new CaptionRow("gray.png", "a grey gradient, drawn by me"));
    Files.writeString(table, MetadataCsv.write(edited));
    assertThat(label(folder, table, "--trigger-word", "gnu")).as(err).isZero();
    assertThat(rows(table).get(1).text()).isEqualTo("a grey gradient, drawn by me");
  }

  @Test
  void writesLinesOfJsonAndATextBesideEachPicture() throws Exception {
    var folder = folder("lines", "gray.png", "wide.png");
    var table = here.resolve("elsewhere/metadata.jsonl");

    assertThat(label(folder, table, "--sidecars", "--trigger-word", "zebra")).as(err).isZero();
    List<CaptionRow> rows;
    try (var in = Files.newBufferedReader(table)) {
      rows = MetadataJsonl.read(in).toList();
    }
    assertThat(rows).extracting(CaptionRow::fileName).containsExactly("gray.png", "wide.png");
    for (var row : rows) {
      assertThat(folder.resolve(row.fileName().replace(".png", ".txt")))
          .hasContent(row.text() + "\n");
    }
    assertThat(folder.resolve("metadata.csv")).doesNotExist();
  }

  @Test
  void whatWasWrittenBeforeIsWrittenOverAndNotTakenForAPersons() throws Exception {
    var folder = folder("again", "gray.png", "wide.png");
    Files.copy(folder.resolve("wide.png"), folder.resolve("gray.gif"));
    var table = folder.resolve("metadata.csv");
    var elsewhere = here.resolve("elsewhere.jsonl");
    assertThat(label(folder, table, "--sidecars", "--trigger-word", "zebra")).as(err).isZero();
    assertThat(folder.resolve("gray.txt")).exists();
    assertThat(folder.resolve("gray.png.txt")).as("another text than that of gray.gif").exists();

    assertThat(label(folder, elsewhere, "--trigger-word", "okapi")).as(err).isZero();
    assertThat(label(folder, elsewhere, "--trigger-word", "gnu")).as(err).isZero();

    assertThat(rows(table)).hasSize(3).allSatisfy(row -> assertThat(row.text()).startsWith("gnu"));
    assertThat(folder.resolve("wide.txt")).content().startsWith("gnu");
    assertThat(folder.resolve("gray.png.txt")).content().startsWith("gnu");
  }

  @Test
  void aTableNamesNoPictureThatIsGoneAndNothingOfAPersonsTableIsLost() throws Exception {
    var folder = folder("gone", "gray.png", "wide.png");
    var table = folder.resolve("metadata.csv");
    var persons = "file_name,text,licence\ngray.png,mine,CC0\nlost.png,mine too,CC0\n";
    Files.writeString(table, persons);

    assertThat(label(folder, table)).as(err).isZero();

    assertThat(rows(table))
        .extracting(CaptionRow::fileName)
        .containsExactly("gray.png", "wide.png");
    assertThat(rows(table).getFirst().text()).isEqualTo("mine");
    assertThat(folder.resolve("metadata.csv.bak")).hasContent(persons);
    assertThat(err).contains("metadata.csv.bak");

    var licences = "file_name,text,licence\ngray.png,mine,CC0\n";
    Files.writeString(table, licences);
    assertThat(label(folder, here.resolve("other.jsonl"))).as(err).isZero();
    assertThat(table).as("it says more than captions").hasContent(licences);
    Files.delete(table);
    assertThat(label(folder, table)).as(err).isZero();

    Files.delete(folder.resolve("gray.png"));
    Files.delete(table);
    Files.write(folder.resolve("wide.txt"), "gr\u00fcn".getBytes(ISO_8859_1));
    assertThat(label(folder, table)).as(err).isZero();
    assertThat(rows(table)).as("a caption that cannot be read is not guessed").isEmpty();
    Files.writeString(folder.resolve("wide.txt"), "gr\u00fcn");
    assertThat(label(folder, table)).as(err).isZero();

    assertThat(rows(table)).containsExactly(new CaptionRow("wide.png", "gr\u00fcn"));
    assertThat(folder.resolve("metadata.csv.bak2")).doesNotExist();
  }

  @Test
  void checksAFolderWithFoldersBelowItAndMakesNothing() throws Exception {
    var folder = folder("checked", "gray.png");
    Files.createDirectories(folder.resolve("more"));
    Files.copy(folder.resolve("gray.png"), folder.resolve("more/copy.png"));
    Files.writeString(folder.resolve("more/broken.png"), "no picture");
    Files.writeString(folder.resolve("metadata.csv"), "file_name,text\ngray.png,NA\n");
    var check = new ArrayList<>(List.of("check", "--input", folder.toString()));

    assertThat(flora(check)).as(err + out).isEqualTo(Main.DONE);
    assertThat(out)
        .contains("dataset checked: 2 pictures, 1 left out, 1 twice")
        .contains("unreadable", "more/broken.png", "duplicate", "caption_pandas_null");
    assertThat(err).contains("uploaded 4/4 files");
  }

  @Test
  void saysInOneLineWhatIsWrong() throws Exception {
    var folder = folder("wrong", "gray.png");

    assertThat(label(folder, folder.resolve("metadata.csv"), "--format", "jsonl"))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("contradict each other");
    assertThat(label(folder, folder.resolve("metadata.csv"), "--kinds", "labels.yaml"))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("--labels and --kinds");
    assertThat(label(folder, folder.resolve("metadata.csv"), "--threshold", "7"))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("threshold", "/dataset/label/threshold").doesNotContain("uploaded");
    assertThat(label(folder, folder)).isEqualTo(Main.REFUSED);
    assertThat(err).contains("is a folder", folder.resolve("metadata.csv").toString());
    assertThat(label(folder.resolve("gray.png"), folder.resolve("metadata.csv")))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("gray.png is no folder");
    assertThat(folder.resolve("metadata.csv")).doesNotExist();

    Files.writeString(folder.resolve("metadata.jsonl"), "");
    assertThat(label(folder, folder.resolve("metadata.csv"))).isEqualTo(Main.REFUSED);
    assertThat(err).contains("--output " + folder.resolve("metadata.jsonl"));
    Files.delete(folder.resolve("metadata.jsonl"));

    Files.copy(folder.resolve("gray.png"), folder.resolve("gr\\ay.png"));
    assertThat(label(folder, folder.resolve("metadata.csv"))).isEqualTo(Main.REFUSED);
    assertThat(err).contains("gr\\ay.png: rename them").doesNotContain("uploaded");
  }

  @Test
  void captionsThatAreNoUtf8AreToldAndNeverWrittenOver() throws Exception {
    var folder = folder("latin", "gray.png", "wide.png");
    var table = folder.resolve("metadata.csv");
    byte[] latin = "file_name,text\ngray.png,caf\u00e9\n".getBytes(ISO_8859_1);
    Files.write(table, latin);

    assertThat(label(folder, table)).isEqualTo(Main.REFUSED);
    assertThat(err).contains("metadata.csv is not UTF-8").contains("save it as UTF-8");
    assertThat(table).hasBinaryContent(latin);

    Files.delete(table);
    Files.write(folder.resolve("gray.txt"), latin);
    for (int time = 0; time < 2; time++) { // also when there is something to compare it with
      assertThat(label(folder, table)).as(err).isZero();
      assertThat(rows(table)).extracting(CaptionRow::fileName).containsExactly("wide.png");
      assertThat(err).contains("unreadable").contains("flora check --input");
    }
  }

  @Test
  void twoFoldersOfOneNameDoNotBecomeOneDataset() throws Exception {
    var first = folder("a/same", "gray.png");
    var second = folder("b/same", "wide.png");
    Files.copy(PARITY.resolve("images/exif6.jpg"), second.resolve("gray.png"));
    assertThat(label(first, first.resolve("metadata.csv"))).as(err).isZero();

    var table = second.resolve("metadata.csv");
    assertThat(label(second, table)).isEqualTo(Main.REFUSED);
    assertThat(err).contains("same names than " + second, "gray.png", "--dataset NAME");
    assertThat(table).doesNotExist();

    assertThat(label(second, table, "--dataset", "another")).as(err).isZero();
    assertThat(rows(table))
        .extracting(CaptionRow::fileName)
        .containsExactly("gray.png", "wide.png");
  }

  @Test
  void aPersonsTextThatATableOverrulesStaysAndIsSpokenOf() throws Exception {
    var folder = folder("overruled", "gray.png", "wide.png");
    Files.writeString(folder.resolve("metadata.csv"), "file_name,text\ngray.png,of the table\n");
    Files.writeString(folder.resolve("gray.txt"), "of the text\n");
    Files.writeString(folder.resolve("wide.txt"), "wide, mine\r\n");

    assertThat(label(folder, here.resolve("overruled.csv"), "--sidecars")).as(err).isZero();

    assertThat(rows(here.resolve("overruled.csv")))
        .extracting(CaptionRow::text)
        .containsExactly("of the table", "wide, mine");
    assertThat(folder.resolve("gray.txt")).hasContent("of the text\n");
    assertThat(folder.resolve("wide.txt")).hasContent("wide, mine\r\n");
    assertThat(err).contains("1 texts beside pictures say other than the table");
  }

  @Test
  void aPictureThatWasTakenAwayIsNotInTheNextTable() throws Exception {
    var folder = folder("fewer", "gray.png", "wide.png");
    var table = folder.resolve("metadata.csv");
    assertThat(label(folder, table, "--sidecars")).as(err).isZero();
    assertThat(err).doesNotContain("not in the table");
    Files.delete(folder.resolve("wide.png"));
    Files.delete(folder.resolve("wide.txt"));

    assertThat(label(folder, table, "--sidecars")).as(err).isZero();

    assertThat(rows(table)).extracting(CaptionRow::fileName).containsExactly("gray.png");
    assertThat(folder.resolve("wide.txt")).doesNotExist();
    assertThat(err).contains("holds 1 pictures that are not in " + folder);
  }
}
