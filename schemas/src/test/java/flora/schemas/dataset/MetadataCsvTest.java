package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.StringReader;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MetadataCsvTest {

  @Test
  void readsBackWhatItWrote() {
    var rows =
        List.of(
            new CaptionRow("a.png", "plain"),
            new CaptionRow("b,c.png", "with, comma"),
            new CaptionRow("d.png", "says \"hello\""),
            new CaptionRow("e.png", "two\nlines\r\nand three"),
            new CaptionRow("f.png", ""),
            new CaptionRow("g.png", " spaces at the ends "),
            new CaptionRow("雪.png", "水墨画, 山"),
            new CaptionRow(" i .png ", "a name with spaces at its ends"),
            new CaptionRow("\uFEFFh.png", "\"\""));

    assertThat(MetadataCsv.read(MetadataCsv.write(rows))).isEqualTo(rows);
  }

  @Test
  void writesWhatOtherReadersOfRfc4180Expect() {
    assertThat(
            MetadataCsv.write(
                List.of(new CaptionRow("a.png", "x"), new CaptionRow("b.png", "y, \"z\""))))
        .isEqualTo("file_name,text\na.png,x\nb.png,\"y, \"\"z\"\"\"\n");
  }

  @Test
  void readsTheOtherSpellingAmongOtherColumnsWithBomAndCrlf() {
    assertThat(
            MetadataCsv.read(
                "\uFEFFscore,Prompt,\"FileName\"\r\n1,\"a, b\",x.png\r\n\r\n2,c,y.png"))
        .containsExactly(new CaptionRow("x.png", "a, b"), new CaptionRow("y.png", "c"));
  }

  @Test
  void spacesAroundANameAreItsOwnOnlyWhereTheyAreQuoted() {
    assertThat(MetadataCsv.read("text,file_name\n\"x\", a.png \ny,\" b.png\"\n"))
        .extracting(CaptionRow::fileName)
        .containsExactly("a.png", " b.png");
  }

  @Test
  void readsLoneCarriageReturnsAsLineEnds() {
    assertThat(MetadataCsv.read("file_name,text\ra.png,b\r"))
        .containsExactly(new CaptionRow("a.png", "b"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "''|1|empty",
        "'name,caption\na,b'|1|file_name",
        "'file_name,text\na.png'|2|1 fields where the header has 2",
        "'file_name,text\na.png,\"x\ny\"\nb.png,c,d'|4|3 fields",
        "'file_name,text\na.png,\"never\n\n'|2|never closed",
        "'file_name,text\na.png,sa\"y'|2|not quoted",
        "'file_name,text\na.png,\"sa\"y'|2|closing quote",
        "'file_name,text\na.png,x\na.png,y'|3|twice",
        "'file_name,text\n,x'|2|missing"
      })
  void saysInWhichLineATableIsBroken(String csv, int line, String message) {
    var e = catchThrowableOfType(MetadataException.class, () -> MetadataCsv.read(csv));

    assertThat(e.line()).isEqualTo(line);
    assertThat(e).hasMessageContaining("line " + line).hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"file_name,text", "file_name,text\n", "file_name,text\r\n\r\n"})
  void aHeaderAloneIsAnEmptyTable(String csv) {
    assertThat(MetadataCsv.read(csv)).isEmpty();
  }

  @Test
  void rowsAreReadOnlyAsFarAsTheyAreAskedFor() {
    var table = "file_name,text\na.png,a\nb.png,b\n\"never closed\n";

    var two = MetadataCsv.stream(new StringReader(table)).limit(2).toList();

    assertThat(two).containsExactly(new CaptionRow("a.png", "a"), new CaptionRow("b.png", "b"));
    assertThatThrownBy(() -> MetadataCsv.stream(new StringReader(table)).toList())
        .isInstanceOf(MetadataException.class)
        .hasMessageContaining("line 4");
  }

  @Test
  void aTableOfClassesNeedsNoCaptions() {
    assertThat(MetadataCsv.read("file_name,label\na.png, cat \nb.png,\n"))
        .containsExactly(new CaptionRow("a.png", "", "cat"), new CaptionRow("b.png", ""));
    var rows = List.of(new CaptionRow("a.png", "x, y", "cat"), new CaptionRow("b.png", "z"));
    assertThat(MetadataCsv.write(rows))
        .isEqualTo("file_name,text,label\na.png,\"x, y\",cat\nb.png,z,\"\"\n");
    assertThat(MetadataCsv.read(MetadataCsv.write(rows))).isEqualTo(rows);
  }

  @Test
  void aQuoteThatIsNeverClosedDoesNotSwallowATableOfAnySize() {
    var table = "file_name,text\na.png,\"" + "x".repeat(2 << 20);

    assertThatThrownBy(() -> MetadataCsv.read(table))
        .isInstanceOf(MetadataException.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("is a quote not closed");
  }
}
