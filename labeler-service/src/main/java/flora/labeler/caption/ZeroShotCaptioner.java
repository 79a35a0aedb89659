package flora.labeler.caption;

import flora.models.image.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Captions out of labels. */
public final class ZeroShotCaptioner implements Captioner {

  private final ClipLabels clip;
  private final LabelRecipe recipe;
  private final LabelChoice choice;
  private final CaptionText text;

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
      Path folder,
      LabelRecipe recipe,
      List<String> templates,
      LabelChoice choice,
      CaptionText text,
      LabelEmbeddings embeddings,
      Runnable beat) {
    return new ZeroShotCaptioner(
        ClipLabels.open(folder, choice, templates, embeddings, beat), recipe, choice, text);
  }

  private ZeroShotCaptioner(
      ClipLabels clip, LabelRecipe recipe, LabelChoice choice, CaptionText text) {
    this.clip = clip;
    this.recipe = recipe;
    this.choice = choice;
    this.text = text;
  }

  @Override
  public LabelRecipe recipe() {
    return recipe;
  }

  @Override
  public Prepared prepare(RgbImage picture) {
    return new Prepared(clip.prepare(picture), null);
  }

  @Override
  public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
    beat.run();
    var pixels = pictures.stream().map(Prepared::forClip).toList();
    var captions = new ArrayList<Caption>();
    for (var similarities : clip.similarities(pixels)) {
      var labels = choice.choose(similarities);
      var assembled = text.assemble(null, labels.stream().map(Caption.Score::label).toList());
      captions.add(new Caption(assembled.text(), null, labels, null, assembled.cutTokens()));
    }
    return captions;
  }

  @Override
  public void close() {
    clip.close();
  }
}
