package flora.standalone.parity;

import flora.models.ModelConfig;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.tokenizer.Encoding;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
    Path model = set.model();
    Path folder =
        Files.isDirectory(model.resolve("tokenizer")) ? model.resolve("tokenizer") : model;
    ModelConfig.read(folder.resolve("tokenizer_config.json"))
        .only("tokenizer_class", "CLIPTokenizer", "CLIPTokenizerFast");
    var tokenizer = ClipTokenizer.load(folder);
    comparison.exactly("bos", tokenizer.startId() == set.json().path("bos").asInt(-1));
    comparison.exactly("eos", tokenizer.endId() == set.json().path("eos").asInt(-1));
    comparison.exactly("pad", tokenizer.padId() == set.json().path("pad").asInt(-1));
    comparison.exactly(
        "vocab_size", tokenizer.vocabularySize() == set.json().path("vocab_size").asInt(-1));
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
      Encoding encoding = tokenizer.encode(text);
      comparison.exactly(
          name + "ids_max_length",
          Arrays.equals(longs(prompt.path("ids_max_length")), encoding.ids()));
      comparison.exactly(
          name + "mask_max_length",
          Arrays.equals(longs(prompt.path("mask_max_length")), encoding.mask()));
    }
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.path(i).asInt(-1)).toArray();
  }

  private static long[] longs(JsonNode list) {
    return IntStream.of(ints(list)).asLongStream().toArray();
  }
}
