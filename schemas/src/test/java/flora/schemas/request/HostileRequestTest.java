package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever comes in is a request or a {@link RequestException}, and never anything else. */
class HostileRequestTest {

  private static final List<String> PIECES =
      List.of(
          "\"\\UFFFFFFFF\"",
          "\"\\ud800\"",
          "&a",
          "*a",
          "!!x",
          "%",
          "---",
          "...",
          "? ",
          ": ",
          "- ",
          "{",
          "}",
          "[",
          "]",
          ",",
          "|",
          ">",
          "\t",
          "\0",
          "\u0085",
          "\u2028",
          "1e999",
          "-0",
          "0x",
          "null",
          "~",
          "\\",
          "'",
          "\"",
          "#",
          "@",
          "`",
          "\uFEFF",
          "9".repeat(80),
          "a/../b",
          "\n  ");

  @ParameterizedTest
  @EnumSource
  void damagedDocumentsAreRefusedWithAReason(ContentKind kind) {
    var whole =
        switch (kind) {
          case YAML -> RequestReaderTest.ARTICLE;
          case JSON ->
              new String(
                  Json.bytes(RequestReaderTest.yaml(RequestReaderTest.ARTICLE).request()), UTF_8);
          case TOML -> DialectTest.text("kohya.toml");
        };
    var random = new Random(7);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      var text = new StringBuilder(whole);
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.deleteCharAt(at);
          case 1 -> text.insert(at, PIECES.get(random.nextInt(PIECES.size())));
          default -> text.setCharAt(at, (char) random.nextInt(300));
        }
      }
      try {
        RequestReader.read(text.toString().getBytes(UTF_8), kind);
      } catch (RequestException e) {
        assertThat(e.getMessage()).isNotBlank();
        refused++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("change " + i + " of\n" + text, e);
      }
    }
    assertThat(refused).isGreaterThan(1_000);
  }

  @Test
  void bytesThatAreNoTextAreRefused() {
    var random = new Random(8);
    for (int i = 0; i < 2_000; i++) {
      var bytes = new byte[1 + random.nextInt(60)];
      random.nextBytes(bytes);
      for (var kind : ContentKind.values()) {
        try {
          RequestReader.read(bytes, kind);
        } catch (RequestException e) {
          assertThat(e.pointer()).isNotNull();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{a: ", "- ", "? ", "{? ", "\"", "&a ", "a: |\n", "#", "a,"})
  void repetitionIsNeitherSlowNorDeep(String piece) {
    var document = piece.repeat(200_000 / piece.length()).getBytes(UTF_8);
    long start = System.nanoTime();
    var thrown = new ArrayList<Throwable>();
    try {
      RequestReader.read(document, ContentKind.YAML);
    } catch (RequestException e) {
      thrown.add(e);
    }
    assertThat(thrown).hasSize(1);
    // generous: what is quadratic in 200,000 characters takes minutes
    assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
  }
}
