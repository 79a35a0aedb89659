package flora.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
}
