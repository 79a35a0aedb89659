package flora.labeler.caption;

import flora.models.image.RgbImage;
import java.util.List;

/** Makes captions. {@link #prepare} may be called from any thread, the rest from one. */
public interface Captioner extends AutoCloseable {

  /** What its captions depend on beside the picture. */
  LabelRecipe recipe();

  /** What of a picture the models see: small, so that the picture itself can go. */
  Prepared prepare(RgbImage picture);

  /**
   * Captions for some prepared pictures, in their order.
   *
   * @param beat called now and then, since a batch may take a while; throws to stop
   */
  List<Caption> caption(List<Prepared> pictures, Runnable beat);

  /** Frees the models. */
  @Override
  void close();
}
