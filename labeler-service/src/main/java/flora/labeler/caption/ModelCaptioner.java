package flora.labeler.caption;

import flora.models.blip.BlipCaptioning;
import flora.models.image.RgbImage;
import flora.schemas.label.Score;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Target;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Captions of what BLIP says, or of labels that CLIP finds, or of both: the caption, then the
 * labels that reach the threshold.
 */
public final class ModelCaptioner implements Captioner {

  private final LabelRecipe recipe;
  private final @Nullable ClipLabels clip;
  private final @Nullable BlipCaptioning blip;
  private final LabelChoice choice;
  private final CaptionText text;
  private final boolean classifies;

  /**
   * A captioner; it owns the models, at least one.
   *
   * @param recipe what its captions are recorded under
   * @param clip opened with the same options
   * @param blip opened with the same options
   * @param tokens counts by what the length of a text is limited; null = it is not limited
   */
  public ModelCaptioner(
      LabelRecipe recipe,
      LabelOptions options,
      @Nullable ClipLabels clip,
      @Nullable BlipCaptioning blip,
      @Nullable TokenCounter tokens) {
    if (clip == null && blip == null) {
      throw new IllegalArgumentException("a captioner needs a model");
    }
    this.recipe = recipe;
    this.clip = clip;
    this.blip = blip;
    this.choice = LabelChoice.of(options);
    this.text = new CaptionText(options.rules(), tokens);
    this.classifies = clip != null && options.target() == Target.ZERO_SHOT;
  }

  @Override
  public LabelRecipe recipe() {
    return recipe;
  }

  @Override
  public Prepared prepare(RgbImage picture) {
    return new Prepared(
        clip == null ? null : clip.prepare(picture), blip == null ? null : blip.prepare(picture));
  }

  @Override
  public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
    beat.run();
    int count = pictures.size();
    List<@Nullable String> said = Collections.nCopies(count, null);
    if (blip != null) {
      said = new ArrayList<>(blip.caption(pictures.stream().map(Prepared::forBlip).toList(), beat));
    }
    List<float @Nullable []> similarities = Collections.nCopies(count, null);
    if (clip != null) {
      similarities =
          new ArrayList<>(clip.similarities(pictures.stream().map(Prepared::forClip).toList()));
    }
    var captions = new ArrayList<Caption>(count);
    for (int i = 0; i < count; i++) {
      captions.add(caption(said.get(i), similarities.get(i)));
    }
    return captions;
  }

  private Caption caption(@Nullable String said, float @Nullable [] similarities) {
    var labels = similarities == null ? List.<Score>of() : choice.choose(similarities);
    var assembled = text.assemble(said, labels.stream().map(Score::label).toList());
    var likeliest =
        similarities != null && classifies ? choice.likeliest(similarities).label() : null;
    return new Caption(assembled.text(), said, labels, likeliest, assembled.cutTokens());
  }

  @Override
  public void close() {
    try (var _ = blip;
        var _ = clip) {
      // both, whatever the first one throws
    }
  }
}
