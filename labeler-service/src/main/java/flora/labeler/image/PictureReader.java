package flora.labeler.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.image.ImageDecoder;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Instant;
import java.util.Locale;

/**
 * Looks at one picture: reads its bytes, decodes them, and keeps the bytes under their digest. What
 * lies there already is not written again. Safe for use by several threads.
 */
public final class PictureReader {

  /** What came of a picture. */
  public sealed interface Outcome {

    /** It can be used; its bytes lie in the store by digest. */
    record Usable(Picture picture, long size, Sha256 sha256, RgbImage pixels) implements Outcome {}

    /** It cannot be used. */
    record Unusable(Rejected why) implements Outcome {}
  }

  /** What a blob's marker says, whoever wrote it. */
  private record Verified(
      Sha256 sha256, long size, String verifiedBy, String source, Instant fetchedAt) {}

  private final ObjectStore store;
  private final Clock clock;
  private final ImageDecoder decoder;
  private final long maxBytes;

  /**
   * A reader.
   *
   * @param clock for the markers of what was verified
   * @param maxBytes larger files are rejected before a byte of them is read
   * @param maxPixels larger pictures are rejected before a pixel of them is decoded
   */
  public PictureReader(ObjectStore store, Clock clock, long maxBytes, long maxPixels) {
    this.store = store;
    this.clock = clock;
    this.decoder = new ImageDecoder(maxPixels);
    this.maxBytes = maxBytes;
  }

  /**
   * Looks at a picture. Trouble with the store is an exception, trouble with the picture is not.
   */
  public Outcome read(Picture picture) {
    if (picture.size() > maxBytes) {
      return unusable(
          picture, "the file has %d bytes, at most %d".formatted(picture.size(), maxBytes));
    }
    byte[] bytes;
    try (var in = store.open(picture.bucket(), picture.key())) {
      // it may have been replaced by a larger one since it was listed
      bytes = in.readNBytes(Math.toIntExact(maxBytes));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + picture.key(), e);
    }
    try {
      var pixels = decoder.decode(bytes);
      return new Outcome.Usable(picture, bytes.length, keep(bytes), pixels);
    } catch (ImageUnreadable e) {
      return unusable(
          picture,
          e.reason().name().toLowerCase(Locale.ROOT).replace('_', ' ') + ": " + e.getMessage());
    }
  }

  private Sha256 keep(byte[] bytes) {
    var digest = Sha256.sum(bytes);
    var marker = StoreLayout.verified(digest);
    if (store.head(StoreLayout.DATASETS, marker).isEmpty()) {
      store.put(StoreLayout.DATASETS, StoreLayout.blob(digest), bytes, "application/octet-stream");
      var verified = new Verified(digest, bytes.length, "sha256", "upload", clock.instant());
      store.put(StoreLayout.DATASETS, marker, Json.bytes(verified), "application/json");
    }
    return digest;
  }

  private static Outcome unusable(Picture picture, String reason) {
    return new Outcome.Unusable(new Rejected(picture.fileName(), reason));
  }
}
