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
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ClipTokenizerTest {

  private static final List<String> JSON_ALONE = List.of("tokenizer.json");
  private static final List<String> VOCABULARY_ALONE = List.of("vocab.json", "merges.txt");
  private static final Path OLD = Path.of("src/test/resources/flora/models/tokenizer/old-clip");

  @TempDir Path folder;

  @Test
  void theCarriedVocabularyGivesTheIdsOfOpenAisTokenizer() {
    var tokenizer = ClipTokenizer.openAi();
    JsonNode expected = Golden.json(Path.of("src/test/resources/flora/models/singlefile/ids.json"));
    assertThat(expected).hasSize(24);
    for (JsonNode each : expected) {
      var text = each.get("text").stringValue();
      int[] ids =
          StreamSupport.stream(each.get("ids").spliterator(), false)
              .mapToInt(JsonNode::intValue)
              .toArray();
      assertThat(tokenizer.ids(text)).as(text).isEqualTo(ids);
    }
  }

  private static Path model(String name) {
    Path model = Golden.ROOT.resolve("models").resolve(name);
    return name.equals("tiny-sd") ? model.resolve("tokenizer") : model;
  }

  private ClipTokenizer tokenizer(Path source, List<String> files) throws IOException {
    for (String file : files) {
      Files.copy(source.resolve(file), folder.resolve(file));
    }
    return ClipTokenizer.load(folder);
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }

  private static long[] longs(JsonNode list) {
    return IntStream.of(ints(list)).asLongStream().toArray();
  }

  private static void assertEqualsThePeer(ClipTokenizer tokenizer, String model) {
    JsonNode golden = Golden.json(Golden.ROOT.resolve("golden/tokenizers/" + model + ".json"));
    assertThat(golden.get("prompts")).isNotEmpty();
    assertThat(tokenizer.vocabularySize()).isEqualTo(golden.get("vocab_size").intValue());
    assertThat(tokenizer.startId()).isEqualTo(golden.get("bos").intValue());
    assertThat(tokenizer.endId()).isEqualTo(golden.get("eos").intValue());
    assertThat(tokenizer.padId()).isEqualTo(golden.get("pad").intValue());
    for (JsonNode prompt : golden.get("prompts")) {
      String text = prompt.get("text").stringValue();
      int[] ids = ints(prompt.get("ids"));
      assertThat(tokenizer.ids(text)).as(text).isEqualTo(ids);
      assertThat(tokenizer.decode(ids)).isEqualTo(prompt.get("decoded").stringValue());
      Encoding encoding = tokenizer.encode(text);
      assertThat(encoding.ids()).as(text).isEqualTo(longs(prompt.get("ids_max_length")));
      assertThat(encoding.mask()).as(text).isEqualTo(longs(prompt.get("mask_max_length")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-clip", "tiny-sd"})
  void equalsThePeerFromAllFiles(String model) {
    assertEqualsThePeer(ClipTokenizer.load(model(model)), model);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-clip", "tiny-sd"})
  void equalsThePeerFromTokenizerJsonAlone(String model) throws IOException {
    assertEqualsThePeer(tokenizer(model(model), JSON_ALONE), model);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-clip", "tiny-sd"})
  void equalsThePeerFromVocabularyAndMergesAlone(String model) throws IOException {
    assertEqualsThePeer(tokenizer(model(model), VOCABULARY_ALONE), model);
  }

  @Test
  void equalsThePeerOnAnOldRepositoryWithItsOwnPaddingAndAddedTokens() {
    var tokenizer = ClipTokenizer.load(OLD);

    assertThat(tokenizer.padId()).isZero();
    assertThat(tokenizer.maxLength()).isEqualTo(16);
    for (JsonNode expected : Golden.json(OLD.resolve("expected.json"))) {
      String text = expected.get("text").stringValue();
      assertThat(tokenizer.ids(text)).as(text).isEqualTo(ints(expected.get("ids")));
      assertThat(tokenizer.encode(text).ids()).as(text).isEqualTo(longs(expected.get("padded")));
    }
  }

  @Test
  void takesAPaddingTokenFromTheSpecialTokensMap() throws IOException {
    Files.writeString(folder.resolve("special_tokens_map.json"), "{\"pad_token\":\"!\"}");

    var tokenizer = tokenizer(model("tiny-clip"), VOCABULARY_ALONE);

    assertThat(tokenizer.encode("a", 5).ids()).containsExactly(832, 320, 833, 0, 0);
    assertThat(tokenizer.ids("a!")).as("! is special now").containsExactly(832, 320, 0, 833);
  }

  @Test
  void aCutTextStillEndsWithTheEnd() {
    var encoding = ClipTokenizer.load(model("tiny-clip")).encode("a red circle", 3);

    assertThat(encoding.ids()).containsExactly(832, 320, 833);
    assertThat(encoding.length()).isEqualTo(3);
  }

  @Test
  void aVeryLongWordTakesNoLongTime() {
    var tokenizer = ClipTokenizer.load(model("tiny-clip"));

    org.junit.jupiter.api.Assertions.assertTimeout(
        Duration.ofSeconds(5), () -> tokenizer.encode("thing".repeat(60_000)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "type": "BPE"                | "type": "Unigram"            | model.type
          "byte_fallback": false       | "byte_fallback": true        | model.byte_fallback
          "end_of_word_suffix": "</w>" | "end_of_word_suffix": ""     | model.end_of_word_suffix
          "type": "NFC"                | "type": "NFKC"               | normalizer
          "behavior": "Removed"        | "behavior": "Isolated"       | pre_tokenizer.pretokenizers[0]
          "type": "RobertaProcessing"  | "type": "BertProcessing"     | post_processor.type
          "lstrip": false              | "lstrip": true               | added token 832: lstrip
          """)
  void refusesByNameAnotherKindOfTokenizer(String from, String to, String key) throws IOException {
    String json = Files.readString(model("tiny-clip").resolve("tokenizer.json"));
    assertThat(json).contains(from);
    Files.writeString(
        folder.resolve("tokenizer.json"),
        json.replaceFirst(java.util.regex.Pattern.quote(from), to));

    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key));
  }

  @Test
  void namesTheFileThatIsMissing() throws IOException {
    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("vocab.json and merges.txt");
    assertThatThrownBy(() -> tokenizer(model("tiny-clip"), List.of("vocab.json")))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("merges.txt");
  }

  @Test
  void refusesMergesThatDoNotFitTheVocabulary() throws IOException {
    Files.copy(model("tiny-clip").resolve("vocab.json"), folder.resolve("vocab.json"));
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\nq z\n");

    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOf(ConfigInvalid.class)
        .hasMessageContaining("qz");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[]", "{\"a\":\"b\"}", "{\"a\":1}"})
  void refusesADamagedVocabulary(String json) throws IOException {
    Files.writeString(folder.resolve("vocab.json"), json);
    Files.writeString(folder.resolve("merges.txt"), "");

    assertThatThrownBy(() -> ClipTokenizer.load(folder)).isInstanceOf(ConfigInvalid.class);
  }
}
