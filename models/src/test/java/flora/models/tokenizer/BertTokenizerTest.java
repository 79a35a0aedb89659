package flora.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class BertTokenizerTest {

  private static final Path TINY_BLIP = Golden.ROOT.resolve("models/tiny-blip");

  @TempDir Path folder;

  private BertTokenizer tokenizer(String... files) throws IOException {
    for (String file : files) {
      Files.copy(TINY_BLIP.resolve(file), folder.resolve(file));
    }
    return BertTokenizer.load(folder);
  }

  private void write(String file, String from, String to) throws IOException {
    String text = Files.readString(TINY_BLIP.resolve(file));
    assertThat(text).contains(from);
    Files.writeString(
        folder.resolve(file), text.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }

  private static void assertEqualsThePeer(BertTokenizer tokenizer) {
    JsonNode golden = Golden.json(Golden.ROOT.resolve("golden/tokenizers/tiny-blip.json"));
    assertThat(golden.get("prompts")).isNotEmpty();
    assertThat(tokenizer.vocabularySize()).isEqualTo(golden.get("vocab_size").intValue());
    assertThat(tokenizer.padId()).isEqualTo(golden.get("pad").intValue());
    for (JsonNode prompt : golden.get("prompts")) {
      String text = prompt.get("text").stringValue();
      int[] ids = ints(prompt.get("ids"));
      assertThat(tokenizer.ids(text)).as(text).isEqualTo(ids);
      assertThat(tokenizer.idsWithoutSpecials(text)).isEqualTo(ints(prompt.get("ids_no_special")));
      Encoding encoding = tokenizer.encode(text, 16);
      assertThat(Arrays.stream(encoding.ids()).mapToInt(i -> (int) i).toArray())
          .as(text)
          .isEqualTo(ints(prompt.get("ids_16")));
      assertThat(Arrays.stream(encoding.mask()).mapToInt(i -> (int) i).toArray())
          .as(text)
          .isEqualTo(ints(prompt.get("mask_16")));
    }
  }

  private static void assertDecodesAsThePeer(BertTokenizer tokenizer) {
    JsonNode golden = Golden.json(Golden.ROOT.resolve("golden/tokenizers/tiny-blip.json"));
    for (JsonNode prompt : golden.get("prompts")) {
      assertThat(tokenizer.decode(ints(prompt.get("ids"))))
          .isEqualTo(prompt.get("decoded").stringValue());
    }
    assertThat(tokenizer.bosId()).contains(golden.get("bos").intValue());
  }

  @Test
  void equalsThePeerFromAllFiles() {
    var tokenizer = BertTokenizer.load(TINY_BLIP);

    assertEqualsThePeer(tokenizer);
    assertDecodesAsThePeer(tokenizer);
  }

  @Test
  void equalsThePeerFromTokenizerJsonAlone() throws IOException {
    assertEqualsThePeer(tokenizer("tokenizer.json"));
  }

  @Test
  void equalsThePeerFromTheVocabularyAndItsConfiguration() throws IOException {
    var tokenizer = tokenizer("vocab.txt", "tokenizer_config.json");

    assertEqualsThePeer(tokenizer);
    assertDecodesAsThePeer(tokenizer);
  }

  @Test
  void equalsThePeerWithOtherSettings() throws IOException {
    JsonNode variants =
        Golden.json(Path.of("src/test/resources/flora/models/tokenizer/bert/expected.json"));
    assertThat(variants).hasSize(10);
    for (JsonNode variant : variants) {
      Path here = Files.createTempDirectory(folder, "variant");
      for (JsonNode file : variant.get("files")) {
        Files.copy(TINY_BLIP.resolve(file.stringValue()), here.resolve(file.stringValue()));
      }
      Files.writeString(here.resolve("tokenizer_config.json"), variant.get("config").toString());
      var tokenizer = BertTokenizer.load(here);
      for (JsonNode expected : variant.get("texts")) {
        String text = expected.get("text").stringValue();
        String what = text + " with " + variant.get("files") + variant.get("config");
        assertThat(tokenizer.ids(text)).as(what).isEqualTo(ints(expected.get("ids")));
        assertThat(tokenizer.decode(ints(expected.get("ids"))))
            .as(what)
            .isEqualTo(expected.get("decoded").stringValue());
      }
    }
  }

  @Test
  void leavesOutIdsThatItDoesNotKnow() {
    var tokenizer = BertTokenizer.load(TINY_BLIP);

    assertThat(tokenizer.decode(new int[] {30522, 28, 9999, 148, 143, 3}))
        .isEqualTo("a red circle");
  }

  @Test
  void aCutTextStillEndsWithTheEnd() {
    Encoding encoding = BertTokenizer.load(TINY_BLIP).encode("a red circle", 3);

    assertThat(encoding.ids()).containsExactly(2, 28, 3);
    assertThat(encoding.length()).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "type": "WordPiece"                    | "type": "ByteLevel"               | decoder.type
          "continuing_subword_prefix": "##"      | "continuing_subword_prefix": "@@" | model.continuing_subword_prefix
          "type": "BertNormalizer"               | "type": "Lowercase"               | normalizer.type
          "clean_text": true                     | "clean_text": false               | normalizer.clean_text
          "type": "BertPreTokenizer"             | "type": "Whitespace"              | pre_tokenizer.type
          "type": "TemplateProcessing"           | "type": "RobertaProcessing"       | post_processor.type
          "lstrip": false                        | "lstrip": true                    | added token 0: lstrip
          """)
  void refusesByNameAnotherKindOfTokenizer(String from, String to, String key) throws IOException {
    write("tokenizer.json", from, to);

    assertThatThrownBy(() -> BertTokenizer.load(folder))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key));
  }

  @Test
  void refusesTheTokenizerOfAnotherFamily() throws IOException {
    write("tokenizer_config.json", "\"BertTokenizer\"", "\"BertweetTokenizer\"");

    assertThatThrownBy(() -> tokenizer("tokenizer.json"))
        .isInstanceOfSatisfying(
            Unsupported.class, e -> assertThat(e.key()).isEqualTo("tokenizer_class"));
  }

  @Test
  void namesTheFileThatIsMissing() {
    assertThatThrownBy(() -> BertTokenizer.load(folder))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("or vocab.txt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[CLS]", "[SEP]", "[UNK]", "[PAD]"})
  void refusesAVocabularyWithoutASpecialToken(String token) throws IOException {
    write("vocab.txt", token, "gone");

    assertThatThrownBy(() -> BertTokenizer.load(folder))
        .isInstanceOf(ConfigInvalid.class)
        .hasMessageContaining(token);
  }
}
