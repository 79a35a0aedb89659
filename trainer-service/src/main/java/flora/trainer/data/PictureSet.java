package flora.trainer.data;

import flora.models.ModelException.ImageUnreadable;
import flora.models.image.DecodeLimits;
import flora.models.image.ImageDecoder;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** The pictures and captions of one dataset version; pictures are read when they are needed. */
public final class PictureSet {

  private final ObjectStore store;
  private final String dataset;
  private final List<DatasetManifest.Image> images;
  // the labeler held them against its own limits, which may be wider than the usual ones
  private final ImageDecoder decoder = new ImageDecoder(DecodeLimits.LOOSE);

  /** The pixels of a picture's sides, turned upright. */
  public record Size(int width, int height) {
    @Override
    public String toString() {
      return width + " x " + height;
    }
  }

  PictureSet(ObjectStore store, DatasetManifest manifest) {
    this.store = store;
    this.dataset = manifest.dataset();
    this.images = manifest.images();
  }

  /**
   * Reads the manifest of a version.
   *
   * @throws DataException when it is not what its reference says, or holds no picture
   */
  public static PictureSet read(ObjectStore store, ObjectRef reference) {
    var bytes = bytes(store, reference, "the manifest of the dataset");
    var set = new PictureSet(store, Json.read(bytes, DatasetManifest.class));
    if (set.size() == 0) {
      throw new DataException.Empty(set.dataset);
    }
    return set;
  }

  /** The dataset's name. */
  public String dataset() {
    return dataset;
  }

  /** How many pictures. */
  public int size() {
    return images.size();
  }

  /** The caption of a picture. */
  public String caption(int picture) {
    return images.get(picture).text();
  }

  /** The name of a picture, folders before it. */
  public String fileName(int picture) {
    return images.get(picture).fileName();
  }

  /** The digest of a picture's bytes. */
  public Sha256 sha256(int picture) {
    return images.get(picture).sha256();
  }

  /** The size of a picture; it is decoded only when the labeler has not told. */
  public Size size(int picture) {
    var image = images.get(picture);
    if (image.width() > 0 && image.height() > 0) {
      return new Size(image.width(), image.height());
    }
    var decoded = decode(picture);
    return new Size(decoded.width(), decoded.height());
  }

  /**
   * The pixels of a picture.
   *
   * @throws DataException when the bytes are not the ones that were labelled, or no picture
   */
  public RgbImage decode(int picture) {
    var image = images.get(picture);
    var blob =
        new ObjectRef(
            StoreLayout.DATASETS, StoreLayout.blob(image.sha256()), image.size(), image.sha256());
    try {
      var decoded = decoder.decode(bytes(store, blob, image.fileName()));
      var labelled = new Size(image.width(), image.height());
      var size = new Size(decoded.width(), decoded.height());
      if (image.width() > 0 && !size.equals(labelled)) {
        throw new DataException.SizeDiffers(image.fileName(), labelled, size);
      }
      return decoded;
    } catch (ImageUnreadable e) {
      throw new DataException.Unreadable(image.fileName(), e);
    }
  }

  private static byte[] bytes(ObjectStore store, ObjectRef reference, String what) {
    try (InputStream in = store.open(reference.bucket(), reference.key())) {
      var bytes = in.readAllBytes();
      if (!Sha256.sum(bytes).equals(reference.sha256())) {
        throw new DataException.Changed(what, reference.sha256());
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
