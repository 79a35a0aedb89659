package flora.standalone.parity;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.blip.BlipCaptioning;
import flora.models.blip.BlipModel;
import flora.models.blip.BlipTextConfig;
import flora.models.generate.Ends;
import flora.models.generate.GenerationOptions;
import flora.models.generate.Generator;
import flora.models.image.ImageDecoder;
import flora.models.image.PixelValues;
import flora.models.tokenizer.BertTokenizer;
import flora.models.weights.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** The set of a BLIP: both networks, the loss, and the captions of pictures by greedy search. */
final class BlipSets implements GoldenKind {

  @Override
  public boolean handles(GoldenSet set) {
    return set.modelType().equals(Optional.of("blip")) && set.has("image_embeds");
  }

  @Override
  public void check(GoldenSet set, Comparison comparison) {
    Map<String, List<JsonNode>> byPrompt = new LinkedHashMap<>();
    for (JsonNode caption : set.json().path("hyper").path("captions")) {
      String prompt = caption.path("prompt").asString("");
      byPrompt.computeIfAbsent(prompt, p -> new ArrayList<>()).add(caption);
    }
    List<String> files =
        byPrompt.values().stream().flatMap(List::stream).map(BlipSets::file).distinct().toList();
    ClipSets.pixels(set, files, comparison);
    try (var blip = BlipModel.open(set.model(), Precision.FP32);
        var _ = new Scope()) {
      NDArray embeds = blip.imageEmbeds(ClipSets.floats(set, "pixel_values"));
      comparison.tensor("image_embeds", embeds.toFloatArray());
      text(set, blip, embeds, comparison);
      byPrompt.forEach(
          (prompt, captions) -> {
            ids(set, blip, embeds, files, captions, comparison);
            texts(set, prompt, captions, comparison);
          });
    }
  }

  private static String file(JsonNode caption) {
    return caption.path("file").asString("");
  }

  /** Logits and loss of a given text. */
  private static void text(GoldenSet set, BlipModel blip, NDArray embeds, Comparison comparison) {
    comparison.inputs("text_ids"::equals);
    long[] ids = set.longs("text_ids");
    long[] shape = set.shape("text_ids");
    int texts = Math.toIntExact(shape[0]);
    int length = Math.toIntExact(shape[1]);
    var tokenizer = BertTokenizer.load(set.model());
    int[] first = Arrays.stream(ids).limit(length).mapToInt(Math::toIntExact).toArray();
    comparison.exactly(
        "text_ids again",
        Arrays.equals(
            tokenizer.idsWithoutSpecials(tokenizer.decode(first)),
            Arrays.copyOfRange(first, 1, length - 1)));
    NDArray some = Aten.narrow(embeds, 0, 0, texts);
    float[] logits = blip.logits(ClipSets.longs(set, "text_ids"), some).toFloatArray();
    comparison.tensor("logits", logits);
    comparison.tensor("loss", new double[] {loss(logits, ids, length, blip.textConfig())});
  }

  /** PyTorch's cross-entropy of every token but the first, with label smoothing. */
  private static double loss(float[] logits, long[] ids, int length, BlipTextConfig config) {
    int vocabulary = config.vocabulary();
    double smoothing = config.labelSmoothing();
    double sum = 0;
    int count = 0;
    for (int place = 0; place < ids.length; place++) {
      if (place % length == length - 1) {
        continue;
      }
      int from = place * vocabulary;
      double max = Double.NEGATIVE_INFINITY;
      double mean = 0;
      for (int i = 0; i < vocabulary; i++) {
        max = Math.max(max, logits[from + i]);
        mean += logits[from + i] / (double) vocabulary;
      }
      double total = 0;
      for (int i = 0; i < vocabulary; i++) {
        total += Math.exp(logits[from + i] - max);
      }
      double all = max + Math.log(total);
      double right = logits[from + Math.toIntExact(ids[place + 1])];
      sum += (1 - smoothing) * (all - right) + smoothing * (all - mean);
      count++;
    }
    return sum / count;
  }

  /** The tokens, of all pictures as one batch. */
  private static void ids(
      GoldenSet set,
      BlipModel blip,
      NDArray embeds,
      List<String> files,
      List<JsonNode> captions,
      Comparison comparison) {
    BlipTextConfig text = blip.textConfig();
    long[] pictures = captions.stream().mapToLong(each -> files.indexOf(file(each))).toArray();
    JsonNode prompt = captions.getFirst().path("prompt_ids");
    int[] beginning =
        prompt.isArray()
            ? Arrays.copyOf(ints(prompt), prompt.size() - 1)
            : new int[] {text.startId()};
    NDArray some = Aten.indexSelect(embeds, 0, Aten.of(pictures, pictures.length));
    try (var decoder = blip.decoder(some, 1)) {
      List<int[]> ids =
          Generator.generate(
              decoder,
              pictures.length,
              beginning,
              new Ends(text.stopId(), text.padId(), text.positions()),
              options(set),
              () -> {});
      for (int i = 0; i < captions.size(); i++) {
        comparison.exactly(
            name(captions.get(i)) + ".ids",
            Arrays.equals(ids.get(i), ints(captions.get(i).path("ids"))));
      }
    }
  }

  /** The texts, from the pictures themselves. */
  private static void texts(
      GoldenSet set, String prompt, List<JsonNode> captions, Comparison comparison) {
    try (var captioning = BlipCaptioning.open(set.model(), Precision.FP32, options(set), prompt)) {
      List<PixelValues> pictures =
          captions.stream()
              .map(each -> set.root().resolve("images").resolve(file(each)))
              .map(file -> captioning.prepare(new ImageDecoder().decode(file)))
              .toList();
      List<String> texts = captioning.caption(pictures, () -> {});
      for (int i = 0; i < captions.size(); i++) {
        comparison.exactly(
            name(captions.get(i)) + ".text",
            texts.get(i).equals(captions.get(i).path("text").asString("?")));
      }
    }
  }

  private static String name(JsonNode caption) {
    return "captions[%s, %s]".formatted(file(caption), caption.path("prompt"));
  }

  private static GenerationOptions options(GoldenSet set) {
    return GenerationOptions.greedy(set.hyper().integer("max_new_tokens"));
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.path(i).asInt(-1)).toArray();
  }
}
