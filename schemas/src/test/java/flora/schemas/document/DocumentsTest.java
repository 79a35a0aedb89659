package flora.schemas.document;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.document.Node.Style;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentsTest {

  @Test
  void yamlKeepsWhatWasWritten() {
    var root = yaml("a: no\nb: 1e-4\nc: \"no\"\nd: ~\ne:\nf: [0x1F, 012, 2026-01-01, yes]\n");

    var fields = ((Node.Fields) root).values();
    assertThat(fields.get("a")).isEqualTo(new Node.Scalar("no", Style.PLAIN));
    assertThat(fields.get("b")).isEqualTo(new Node.Scalar("1e-4", Style.PLAIN));
    assertThat(fields.get("c")).isEqualTo(new Node.Scalar("no", Style.QUOTED));
    assertThat(fields.get("d").isNull()).isTrue();
    assertThat(fields.get("e").isNull()).isTrue();
    assertThat(((Node.Items) fields.get("f")).values())
        .isEqualTo(
            List.of("0x1F", "012", "2026-01-01", "yes").stream()
                .map(t -> new Node.Scalar(t, Style.PLAIN))
                .toList());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a: !!javax.script.ScriptEngineManager [x]",
        "a: !local x",
        "!!map {a: b}",
        "a: &x [1]\nb: 2",
        "a: &x 1\nb: *x",
        "a: &x [y, y]\nb: &z [*x, *x]\nc: [*z, *z]",
        "base: &b {r: 1}\nt: {<<: *b}",
        "%YAML 1.1\n---\na: 1",
        "%TAG ! tag:x,2000:\n---\na: 1",
        "a: 1\n---\nb: 2",
        "a: 1\na: 2",
        "a: {b: 1, \"b\": 2}",
        "? [a, b]\n: 1",
        "a: [1, 2",
        "a: b: c",
        "\ta: 1"
      })
  void yamlThatIsMoreThanPlainDataIsRefused(String text) {
    assertThat(catchThrowableOfType(DocumentException.class, () -> yaml(text))).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":1} {}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,2",
        "{\"a\": tru}",
        "{\"a\":1} // why"
      })
  void whatIsNotStrictJsonIsRefused(String text) {
    assertThat(catchThrowableOfType(DocumentException.class, () -> json(text))).isNotNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'a': [1, 2|expected close marker for Array (column 12)|1",
        "{'a':@ tru}|Unrecognized token 'tru'|2",
        "{'a':@@ 1,}|expecting double-quote|3"
      })
  void saysWhatIsWrongAndWhereWithoutTheParsersInternals(String text, String what, int line) {
    var broken = text.replace('\'', '"').replace('@', '\n');

    assertThat(catchThrowableOfType(DocumentException.class, () -> json(broken)))
        .hasMessageStartingWith("line " + line + ": not JSON: ")
        .hasMessageContaining(what)
        .hasMessageMatching(".* \\(column \\d+\\)")
        .hasMessageNotContainingAny("Source", "StreamReadFeature", "marker at");
  }

  @Test
  void saysWhereAKeyStandsTwice() {
    var e = catchThrowableOfType(DocumentException.class, () -> yaml("a:\n  b/c: 1\n  b/c: 2\n"));

    assertThat(e.pointer()).isEqualTo("/a/b~1c");
    assertThat(e).hasMessageStartingWith("line 3:");
  }

  @Test
  void depthAndSizeAreBounded() {
    assertThat(catchThrowableOfType(DocumentException.class, () -> yaml("[".repeat(100_000))))
        .hasMessageContaining("nested deeper");
    assertThat(catchThrowableOfType(DocumentException.class, () -> json("[".repeat(100_000))))
        .hasMessageContaining("nested deeper");
    assertThat(
            catchThrowableOfType(
                DocumentException.class, () -> yaml("a: " + "x".repeat(Node.MAX_BYTES))))
        .hasMessageContaining("too many");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    assertThat(
            catchThrowableOfType(
                DocumentException.class,
                () -> YamlDocument.read(new byte[] {'a', ':', ' ', (byte) 0xC3})))
        .hasMessageContaining("UTF-8");
  }

  @Test
  void aByteOrderMarkIsNotPartOfTheFirstKey() {
    assertThat(((Node.Fields) yaml("\uFEFFa: 1")).values()).containsKey("a");
    assertThat(((Node.Fields) json("\uFEFF{\"a\":1}")).values()).containsKey("a");
  }

  @Test
  void anEmptyDocumentIsNull() {
    assertThat(yaml("").isNull()).isTrue();
    assertThat(yaml("# nothing\n").isNull()).isTrue();
    assertThat(yaml("---\n").isNull()).isTrue();
    assertThat(json(" ").isNull()).isTrue();
  }

  private static Node yaml(String text) {
    return YamlDocument.read(text.getBytes(UTF_8));
  }

  private static Node json(String text) {
    return JsonDocument.read(text.getBytes(UTF_8));
  }
}
