package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetadataJsonlTest {

  @Test
  void readsTheNamesOfOthersToo() {
    var lines =
        "\uFEFF{\"file_name\":\"a.png\",\"text\":\"a \\\"cat\\\"\\n\",\"width\":3}\r\n"
            + "\n"
            + "{\"prompt\":\"b\",\"filename\":\"sub/b.png\",\"label\":7}\n"
            + "{\"file_name\":\"c.png\",\"text\":null}";

    assertThat(read(lines))
        .containsExactly(
            new CaptionRow("a.png", "a \"cat\"\n"),
            new CaptionRow("sub/b.png", "b", "7"),
            new CaptionRow("c.png", ""));
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    var rows =
        List.of(
            new CaptionRow("a\u2028\"\\.png", "日本 🎨\nnull"), new CaptionRow("b.png", "", "NA"));
    var out = new StringWriter();

    rows.forEach(row -> MetadataJsonl.write(out, row));

    assertThat(out.toString().lines()).hasSize(2);
    assertThat(out.toString())
        .endsWith("{\"file_name\":\"b.png\",\"text\":\"\",\"label\":\"NA\"}\n");
    assertThat(read(out.toString())).isEqualTo(rows);
  }

  @Test
  void rowsAreReadOnlyAsFarAsTheyAreAskedFor() {
    var lines = "{\"file_name\":\"a\",\"text\":\"\"}\nnonsense\n";

    assertThat(MetadataJsonl.read(new StringReader(lines)).limit(1)).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "nonsense|not JSON",
        "{\"file_name\":\"a\",\"text\":|not JSON",
        "[1]|not an object",
        "{\"text\":\"a\"}|file_name",
        "{\"file_name\":\" \",\"text\":\"a\"}|file_name",
        "{\"file_name\":\"a\"}|the caption",
        "{\"file_name\":\"a\",\"text\":\"a fox \\ud83e\"}|half of a character",
        "{\"file_name\":\"a\",\"text\":[\"b\"]}|text is not a text"
      })
  void saysWhichLineIsWrongAndWhy(String line, String why) {
    assertThatThrownBy(() -> read("{\"file_name\":\"a\",\"text\":\"\"}\n\n" + line + "\n"))
        .isInstanceOf(MetadataException.class)
        .hasMessageStartingWith("metadata.jsonl, line 3: ")
        .hasMessageContaining(why);
  }

  @Test
  void aLineOfAnySizeIsNotRead() {
    assertThatThrownBy(() -> read("{\"file_name\":\"" + "x".repeat(2 << 20)))
        .isInstanceOf(MetadataException.class)
        .hasMessageContaining("line 1: more than");
  }

  private static List<CaptionRow> read(String lines) {
    return MetadataJsonl.read(new StringReader(lines)).toList();
  }
}
