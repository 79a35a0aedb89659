package flora.labeler.check;

import static org.assertj.core.api.Assertions.assertThat;

import flora.labeler.caption.TokenCounter;
import flora.models.image.PerceptualHash;
import flora.models.image.Resampling;
import flora.models.image.RgbImage;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import flora.schemas.label.LabelRow;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetCheckTest {

  /** Words, start and end. */
  private static final TokenCounter WORDS = text -> text.split(" ").length + 2;

  private final DatasetCheck check = check(true, WORDS);

  private static DatasetCheck check(boolean training, @Nullable TokenCounter tokens) {
    return new DatasetCheck(new CheckSettings("style", 512, 77, training), tokens);
  }

  private DatasetReport report() {
    return check.finish(null, null);
  }

  private static Finding only(DatasetReport report) {
    assertThat(report.findings()).hasSize(1);
    return report.findings().getFirst();
  }

  private static void assertFinding(
      Finding finding, Severity severity, String code, long count, String... examples) {
    assertThat(finding.code()).isEqualTo(code);
    assertThat(finding.severity()).isEqualTo(severity);
    assertThat(finding.count()).isEqualTo(count);
    assertThat(finding.examples()).containsExactly(examples);
    assertThat(finding.message()).isNotBlank();
    assertThat(finding.hint()).isNotBlank();
  }

  /** A row without fault; the tests change what they are about. */
  private record Row(
      String name,
      String content,
      int width,
      int height,
      int frames,
      String text,
      @Nullable String label,
      int cutTokens,
      @Nullable String phash,
      @Nullable String thumb) {

    static Row of(String name) {
      return new Row(name, name, 640, 512, 1, "a picture of " + name, null, 0, null, null);
    }

    Row content(String it) {
      return new Row(name, it, width, height, frames, text, label, cutTokens, phash, thumb);
    }

    Row size(int w, int h) {
      return new Row(name, content, w, h, frames, text, label, cutTokens, phash, thumb);
    }

    Row frames(int count) {
      return new Row(name, content, width, height, count, text, label, cutTokens, phash, thumb);
    }

    Row text(String it) {
      return new Row(name, content, width, height, frames, it, label, cutTokens, phash, thumb);
    }

    Row label(String it) {
      return new Row(name, content, width, height, frames, text, it, cutTokens, phash, thumb);
    }

    Row cut(int count) {
      return new Row(name, content, width, height, frames, text, label, count, phash, thumb);
    }

    Row look(long hash, byte[] colours) {
      return new Row(
          name,
          content,
          width,
          height,
          frames,
          text,
          label,
          cutTokens,
          HexFormat.of().toHexDigits(hash),
          HexFormat.of().formatHex(colours));
    }

    Row look(RgbImage picture) {
      return look(PerceptualHash.of(picture), PerceptualHash.thumb(picture));
    }

    LabelRow row() {
      return new LabelRow(
          name,
          Sha256.sum(content.getBytes(StandardCharsets.UTF_8)),
          1000,
          width,
          height,
          frames,
          text,
          "user",
          label,
          null,
          List.of(),
          null,
          null,
          null,
          cutTokens,
          phash,
          thumb,
          null);
    }
  }

  private void rows(Row... rows) {
    for (var row : rows) {
      check.row(row.row());
    }
  }

  @Test
  void aSoundDatasetHasNoFindings() {
    rows(Row.of("a.png"), Row.of("b.png"), Row.of("c.png"));
    var version = Sha256.sum(new byte[1]);
    var listing = Sha256.sum(new byte[2]);
    var report = check.finish(version, listing);

    assertThat(report.findings()).isEmpty();
    assertThat(report.hasErrors()).isFalse();
    assertThat(report)
        .isEqualTo(
            new DatasetReport("style", version, listing, 3, 0, 0, 0, Map.of(), 512, List.of()));
  }

  @Test
  void aDatasetWithoutPicturesIsAnError() {
    check.missing("a.png");
    var report = report();

    assertFinding(report.findings().getFirst(), Severity.ERROR, "no_images", 0);
    assertFinding(report.findings().getLast(), Severity.WARNING, "missing_file", 1, "a.png");
    assertThat(report.hasErrors()).isTrue();
  }

  @Test
  void unreadablePicturesAreAWarningAsLongAsOthersAreLeft() {
    check.rejected(new Rejected("a.png", "truncated: the PNG ends too early"));
    assertFinding(
        only(report()),
        Severity.ERROR,
        "unreadable_all",
        1,
        "a.png: truncated: the PNG ends too early");

    rows(Row.of("b.png"));
    assertFinding(
        only(report()),
        Severity.WARNING,
        "unreadable",
        1,
        "a.png: truncated: the PNG ends too early");
    assertThat(report().rejected()).isEqualTo(1);
    assertThat(report().images()).isEqualTo(1);
  }

  @Test
  void aMissingCaptionStopsOnlyATraining() {
    var label = check(false, WORDS);
    for (var each : List.of(check, label)) {
      each.row(Row.of("a.png").row());
      each.rejected(new Rejected("b.png", DatasetCheck.NO_CAPTION));
    }

    assertFinding(only(report()), Severity.ERROR, "missing_caption", 1, "b.png");
    assertFinding(only(label.finish(null, null)), Severity.WARNING, "missing_caption", 1, "b.png");
  }

  @Test
  void picturesBelowTheResolutionAreAWarning() {
    rows(
        Row.of("a.png").size(512, 512),
        Row.of("b.png").size(2000, 511),
        Row.of("c.png").size(9, 9));

    assertFinding(
        only(report()), Severity.WARNING, "too_small", 2, "b.png (2000 x 511)", "c.png (9 x 9)");
    assertThat(report().resolution()).isEqualTo(512);
  }

  @Test
  void itIsAnErrorWhenAllWouldBeMoreThanDoubled() {
    rows(Row.of("a.png").size(255, 300), Row.of("b.png").size(2000, 255));
    assertFinding(
        only(report()),
        Severity.ERROR,
        "resolution_all_small",
        2,
        "a.png (255 x 300)",
        "b.png (2000 x 255)");

    rows(Row.of("c.png").size(256, 256));
    assertThat(only(report()).code()).isEqualTo("too_small");

    // nobody has said yet what is to be trained
    var label = check(false, WORDS);
    label.row(Row.of("a.png").size(255, 300).row());
    assertThat(only(label.finish(null, null)).severity()).isEqualTo(Severity.WARNING);
  }

  @Test
  void equalBytesAreDuplicatesWhateverTheirNames() {
    rows(
        Row.of("a.png").content("x"),
        Row.of("b.png"),
        Row.of("c.png").content("x"),
        Row.of("d.png").content("x"));

    assertFinding(
        only(report()), Severity.WARNING, "duplicate", 2, "c.png = a.png", "d.png = a.png");
    assertThat(report().duplicatesExact()).isEqualTo(2);
    assertThat(report().images()).isEqualTo(4);
  }

  @Test
  void fourBitsAndAFewLevelsOfColourAreStillTheSameLook() {
    byte[] colours = new byte[48];
    new Random(3).nextBytes(colours);
    byte[] near = colours.clone();
    byte[] far = colours.clone();
    for (int i = 0; i < 48; i++) {
      near[i] = (byte) Math.min(255, (colours[i] & 0xff) + 8);
      far[i] = (byte) (~colours[i] & 0xff);
    }
    long hash = 0x1234_5678_9abc_def0L;
    rows(
        Row.of("a.png").look(hash, colours),
        Row.of("near.png").look(hash ^ 0x8000_0400_0020_0001L, near),
        Row.of("far-hash.png").look(hash ^ 0x0111_0000_0011_0000L, colours),
        Row.of("far-colour.png").look(hash, far));

    assertFinding(
        report().findings().getFirst(), Severity.WARNING, "similar", 1, "near.png ~ a.png");
    assertThat(report().duplicatesSimilar()).isEqualTo(1);
  }

  @Test
  void picturesOfOneColourAreNotTakenForEachOther() {
    byte[] flat = new byte[48];
    Arrays.fill(flat, (byte) 200);
    rows(Row.of("a.png").look(1, flat), Row.of("b.png").look(1, flat));

    assertThat(report().findings()).isEmpty();
  }

  @Test
  void findsEveryPairThatIsCloseEnoughAmongThousands() {
    var random = new Random(11);
    long[] hashes = new long[3000];
    byte[] colours = new byte[48];
    random.nextBytes(colours);
    int planted = 0;
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = random.nextLong();
      if (i % 10 == 9) {
        hashes[i] = hashes[i - random.nextInt(1, 9)];
        for (int bit = 0; bit < 4; bit++) {
          hashes[i] ^= 1L << random.nextInt(64);
        }
        planted++;
      }
      rows(Row.of(i + ".png").look(hashes[i], colours));
    }

    assertThat(report().duplicatesSimilar()).isEqualTo(planted);
  }

  @Test
  void unequalClassesAreAWarningThatNamesTheSmallOnes() {
    for (int i = 0; i < 40; i++) {
      rows(Row.of("a" + i).label("circle"));
    }
    for (int i = 0; i < 4; i++) {
      rows(Row.of("b" + i).label("square"));
    }
    assertThat(report().findings()).isEmpty();
    assertThat(report().classes()).containsEntry("circle", 40L).containsEntry("square", 4L);

    rows(Row.of("one more").label("circle"), Row.of("c0").label("star"));
    assertFinding(
        only(report()),
        Severity.WARNING,
        "class_imbalance",
        2,
        "star (1 pictures)",
        "square (4 pictures)");
  }

  @Test
  void aCaptionOverTheLimitIsNamedWithItsLength() {
    rows(
        Row.of("a.png").text("a ".repeat(75).strip()),
        Row.of("b.png").text("a ".repeat(76).strip()));

    assertFinding(only(report()), Severity.WARNING, "caption_too_long", 1, "b.png (78 tokens)");
  }

  @Test
  void withoutATokenizerTheReportSaysThatTheLimitWasNotLookedAt() {
    var unknown = check(true, null);
    unknown.row(Row.of("a.png").text("a ".repeat(500)).row());

    assertFinding(only(unknown.finish(null, null)), Severity.WARNING, "caption_limit_unchecked", 0);
  }

  @Test
  void withoutALimitNobodyCounts() {
    var endless =
        new DatasetCheck(
            new CheckSettings("style", 512, 0, true),
            _ -> {
              throw new AssertionError("nothing is to be counted");
            });
    endless.row(Row.of("a.png").text("a ".repeat(500)).row());

    assertThat(endless.finish(null, null).findings()).isEmpty();
  }

  @Test
  void aCutCaptionIsNamed() {
    rows(Row.of("a.png").cut(12));

    assertFinding(only(report()), Severity.WARNING, "caption_cut", 1, "a.png (12 tokens)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"NA", "N/A", "n/a", "null", "NULL", "None", "nan", "NaN", "#N/A", "<NA>"})
  void wordsThatPandasTakesForNothingAreNamed(String text) {
    rows(Row.of("a.png").text(text));

    assertFinding(only(report()), Severity.WARNING, "caption_pandas_null", 1, "a.png");
  }

  @ParameterizedTest
  @ValueSource(strings = {"7", "-1.5", "1e9", " 42", ".5"})
  void numbersAreNamed(String text) {
    rows(Row.of("a.png").text(text));

    assertFinding(only(report()), Severity.WARNING, "caption_numeric", 1, "a.png");
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "Na", "7 cats", "1.2.3", "e9"})
  void otherWordsAreNot(String text) {
    rows(Row.of("a.png").text(text));

    assertThat(report().findings()).isEmpty();
  }

  @Test
  void anAnimationIsNamedWithItsLength() {
    rows(Row.of("a.gif").frames(500));

    assertFinding(only(report()), Severity.WARNING, "animated", 1, "a.gif (500 pictures)");
  }

  @Test
  void twentyExamplesAreEnoughAndErrorsComeFirst() {
    for (int i = 0; i < 30; i++) {
      rows(Row.of("%02d.gif".formatted(i)).frames(2));
    }
    check.rejected(new Rejected("z.png", DatasetCheck.NO_CAPTION));
    var report = report();

    assertThat(report.findings())
        .extracting(Finding::severity)
        .containsExactly(Severity.ERROR, Severity.WARNING);
    assertThat(report.findings().getLast().count()).isEqualTo(30);
    assertThat(report.findings().getLast().examples())
        .hasSize(20)
        .startsWith("00.gif (2 pictures)")
        .endsWith("19.gif (2 pictures)");
  }

  @Test
  void theSamePictureInAnotherSizeIsSimilar() {
    var random = new Random(5);
    byte[] blocks = new byte[3 * 8 * 8];
    random.nextBytes(blocks);
    var picture = Resampling.BICUBIC.resize(new RgbImage(8, 8, blocks), 640, 480);
    var smaller = Resampling.BILINEAR.resize(picture, 400, 300);
    rows(Row.of("a.png").look(picture), Row.of("b.jpg").look(smaller));

    assertThat(report().duplicatesSimilar()).isEqualTo(1);
  }
}
