package flora.standalone.parity;

import flora.models.ModelConfig;
import flora.models.tokenizer.BertTokenizer;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.tokenizer.Encoding;
import flora.models.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** The sets {@code tokenizers/MODEL}: ids of prompts, as the peer's fast tokenizer gives them. */
final class TokenizerSets implements GoldenKind {

  @Override
  public boolean handles(GoldenSet set) {
    return set.name().startsWith("tokenizers/");
  }

  @Override
  public void check(GoldenSet set, Comparison comparison) {
    Tokenizer tokenizer = tokenizer(set.model());
    comparison.exactly("bos", tokenizer.bosId().equals(id(set, "bos")));
    comparison.exactly("eos", tokenizer.eosId().equals(id(set, "eos")));
    comparison.exactly("pad", id(set, "pad").equals(Optional.of(tokenizer.padId())));
    comparison.exactly(
        "vocab_size", id(set, "vocab_size").equals(Optional.of(tokenizer.vocabularySize())));
    int number = 0;
    for (JsonNode prompt : set.json().path("prompts")) {
      String name = "prompts[" + number++ + "].";
      String text = prompt.path("text").asString("");
      int[] ids = ints(prompt.path(prompt.has("auto_ids") ? "auto_ids" : "ids"));
      int[] actual = tokenizer.ids(text);
      comparison.exactly(name + "ids", Arrays.equals(ids, actual));
      comparison.exactly(
          name + "ids_no_special",
          Arrays.equals(
              ints(prompt.path("ids_no_special")),
              Arrays.copyOfRange(actual, 1, actual.length - 1)));
      comparison.exactly(
          name + "decoded", tokenizer.decode(actual).equals(prompt.path("decoded").asString("?")));
      String cut = prompt.has("ids_16") ? "16" : "max_length";
      long[] padded = longs(prompt.path("ids_" + cut));
      Encoding encoding = tokenizer.encode(text, Math.max(2, padded.length));
      comparison.exactly(name + "ids_" + cut, Arrays.equals(padded, encoding.ids()));
      comparison.exactly(
          name + "mask_" + cut, Arrays.equals(longs(prompt.path("mask_" + cut)), encoding.mask()));
    }
  }

  private static Tokenizer tokenizer(Path model) {
    Path folder =
        Files.isDirectory(model.resolve("tokenizer")) ? model.resolve("tokenizer") : model;
    ModelConfig config = ModelConfig.read(folder.resolve("tokenizer_config.json"));
    return switch (config.text("tokenizer_class", "")) {
      case "CLIPTokenizer", "CLIPTokenizerFast" -> ClipTokenizer.load(folder);
      case "BertTokenizer", "BertTokenizerFast" -> BertTokenizer.load(folder);
      default -> throw config.unsupported("tokenizer_class", "supported: CLIP's and BERT's");
    };
  }

  private static Optional<Integer> id(GoldenSet set, String key) {
    JsonNode id = set.json().path(key);
    return id.isNumber() ? Optional.of(id.intValue()) : Optional.empty();
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.path(i).asInt(-1)).toArray();
  }

  private static long[] longs(JsonNode list) {
    return IntStream.of(ints(list)).asLongStream().toArray();
  }
}
