package flora.labeler.caption;

import flora.models.image.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Captions out of labels by CLIP's zero-shot classification, https://arxiv.org/abs/2103.00020: the
 * label whose prompts lie nearest to the picture. The prompts of a label are averaged to one vector
 * (section 3.1.4), once for the whole run.
 */
public final class ZeroShotCaptioner implements Captioner {

  /** Small, so that a run can be stopped while labels are embedded. */
  private static final int PROMPT_BATCH = 32;

  private final ClipNetwork network;
  private final LabelRecipe recipe;
  private final LabelChoice choice;
  private final float[][] labels;

  /**
   * Opens a model and embeds the labels.
   *
   * @param folder of a CLIP model, as in its repository
   * @param recipe what its captions are recorded under
   * @param templates of the prompts, with {@code {}} for the label
   * @param beat called between batches; throws to stop
   * @throws flora.models.ModelException when the folder holds no CLIP model that can be used
   */
  public static ZeroShotCaptioner open(
      Path folder, LabelRecipe recipe, List<String> templates, LabelChoice choice, Runnable beat) {
    var network = ClipNetwork.open(folder);
    try {
      var labels = embed(network, choice.labels().all(), templates, beat);
      return new ZeroShotCaptioner(network, recipe, choice, labels);
    } catch (RuntimeException e) {
      network.close();
      throw e;
    }
  }

  private ZeroShotCaptioner(
      ClipNetwork network, LabelRecipe recipe, LabelChoice choice, float[][] labels) {
    this.network = network;
    this.recipe = recipe;
    this.choice = choice;
    this.labels = labels;
  }

  @Override
  public LabelRecipe recipe() {
    return recipe;
  }

  @Override
  public Prepared prepare(RgbImage picture) {
    return new Prepared(network.prepare(picture), null);
  }

  @Override
  public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
    beat.run();
    var pixels = pictures.stream().map(Prepared::forClip).toList();
    var captions = new ArrayList<Caption>();
    for (var picture : network.embedPictures(pixels)) {
      var logits = new float[labels.length];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) (network.logitScale() * dot(picture, labels[i]));
      }
      captions.add(choice.choose(logits));
    }
    return captions;
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
        prompts.add(template.replace("{}", names.get(i)));
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
