package flora.labeler.caption;

import flora.models.image.PixelValues;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.LabelOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * How well labels fit pictures, by CLIP's zero-shot classification,
 * https://arxiv.org/abs/2103.00020: the prompts of a label are averaged to one vector (section
 * 3.1.4), once for all pictures.
 */
public final class ClipLabels implements AutoCloseable {

  /** Small, so that a run can be stopped while labels are embedded. */
  private static final int PROMPT_BATCH = 32;

  private final ClipNetwork network;
  private final float[][] labels;

  /**
   * Opens a model and embeds the labels of a request.
   *
   * @param folder of a CLIP model, as in its repository
   * @param embeddings where they may be had from
   * @param beat called between batches; throws to stop
   * @throws flora.models.ModelException when the folder holds no CLIP model that can be used
   * @throws PromptTooLong when a label and a template are together longer than the model can read
   */
  public static ClipLabels open(
      Path folder, LabelOptions options, LabelEmbeddings embeddings, Runnable beat) {
    var choice = LabelChoice.of(options);
    var templates = options.templates();
    var network = ClipNetwork.open(folder, Networks.precision(options.precision()));
    try {
      var names = new ArrayList<>(choice.labels().all());
      if (choice.similarities() > names.size()) {
        names.add(""); // nothing: the prompts without a label
      }
      var labels =
          embeddings.get(
              list(names, options), names.size(), () -> embed(network, names, templates, beat));
      return new ClipLabels(network, labels);
    } catch (RuntimeException e) {
      network.close();
      throw e;
    }
  }

  /** What the vectors follow from beside the model; the version changes when this code does. */
  private static Sha256 list(List<String> names, LabelOptions options) {
    var named = new LinkedHashMap<String, Object>();
    named.put("labels", names);
    named.put("templates", options.templates());
    named.put("precision", options.precision());
    named.put("version", 1);
    return Sha256.sum(Json.bytes(named));
  }

  private ClipLabels(ClipNetwork network, float[][] labels) {
    this.network = network;
    this.labels = labels;
  }

  /** A picture as the network takes it. */
  PixelValues prepare(RgbImage picture) {
    return network.prepare(picture);
  }

  /** For each picture the similarities that {@link LabelChoice} chooses by. */
  List<float[]> similarities(List<PixelValues> pictures) {
    var rows = new ArrayList<float[]>();
    for (var picture : network.embedPictures(pictures)) {
      var row = new float[labels.length];
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) (network.logitScale() * dot(picture, labels[i]));
      }
      rows.add(row);
    }
    return rows;
  }

  /** The number of tokens of a text, start and end included. */
  public int tokens(String text) {
    return network.tokens(text);
  }

  @Override
  public void close() {
    network.close();
  }

  private static float[][] embed(
      ClipNetwork network, List<String> names, List<String> templates, Runnable beat) {
    var sums = new float[names.size()][];
    var prompts = new ArrayList<String>(PROMPT_BATCH);
    var owners = new ArrayList<Integer>(PROMPT_BATCH);
    for (int i = 0; i < names.size(); i++) {
      for (var template : templates) {
        prompts.add(prompt(network, template, names.get(i)));
        owners.add(i);
        if (prompts.size() == PROMPT_BATCH) {
          beat.run();
          add(network, prompts, owners, sums);
        }
      }
    }
    add(network, prompts, owners, sums);
    for (var sum : sums) {
      normalize(sum);
    }
    return sums;
  }

  private static String prompt(ClipNetwork network, String template, String label) {
    var prompt = template.replace("{}", label).strip();
    int tokens = network.tokens(prompt);
    if (tokens > network.textLimit()) {
      throw new PromptTooLong(label, template, tokens, network.textLimit());
    }
    return prompt;
  }

  private static void add(
      ClipNetwork network, List<String> prompts, List<Integer> owners, float[][] sums) {
    if (prompts.isEmpty()) {
      return;
    }
    var vectors = network.embedTexts(prompts);
    for (int p = 0; p < vectors.length; p++) {
      var vector = vectors[p];
      var sum = sums[owners.get(p)];
      if (sum == null) {
        sums[owners.get(p)] = vector;
      } else {
        for (int i = 0; i < sum.length; i++) {
          sum[i] += vector[i];
        }
      }
    }
    prompts.clear();
    owners.clear();
  }

  private static void normalize(float[] vector) {
    double norm = Math.sqrt(dot(vector, vector));
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / norm);
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
