package flora.labeler.caption;

import flora.models.image.RgbImage;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Says the same of every picture, at no cost, and counts the pictures. */
public final class NullCaptioner implements Captioner {

  private final String text;
  private final AtomicLong captioned = new AtomicLong();

  /** Says this; its recipe depends on it. */
  public NullCaptioner(String text) {
    this.text = text;
  }

  /** How many pictures it has captioned. */
  public long captioned() {
    return captioned.get();
  }

  @Override
  public LabelRecipe recipe() {
    return new LabelRecipe(
        "clip", "flora/null@0", null, Sha256.sum(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public Prepared prepare(RgbImage picture) {
    return new Prepared(null, null);
  }

  @Override
  public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
    beat.run();
    captioned.addAndGet(pictures.size());
    return pictures.stream().map(_ -> new Caption(text, null, List.of(), null, 0)).toList();
  }

  @Override
  public void close() {}
}
