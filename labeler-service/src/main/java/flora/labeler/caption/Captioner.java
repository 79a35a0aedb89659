package flora.labeler.caption;

import flora.models.image.PixelValues;
import flora.models.image.RgbImage;
import java.util.List;

/** Makes captions. {@link #prepare} may be called from any thread, the rest from one. */
public interface Captioner extends AutoCloseable {

  /** Its name, as the request and the manifest have it. */
  String name();

  /** The repository and commit of its model: {@code owner/name@commit}. */
  String model();

  /** What of a picture the model sees: small, so that the picture itself can go. */
  PixelValues prepare(RgbImage picture);

  /** Captions for some prepared pictures, in their order. */
  List<Caption> caption(List<PixelValues> pictures);

  /** Frees the model. */
  @Override
  void close();
}
