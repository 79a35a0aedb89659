package flora.labeler.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.image.DecodeLimits;
import flora.models.image.ImageDecoder;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Instant;
import java.util.Locale;

/**
 * Looks at pictures: reads their bytes, decodes them, and keeps the very bytes that were decoded
 * under their digest. What lies there already is not written again. Safe for use by several
 * threads.
 */
public final class PictureReader {

  /** A picture that cannot be used, and why. */
  public static final class Unusable extends Exception {
    Unusable(String reason) {
      super(reason, null, false, false);
    }

    /** For people. */
    public String reason() {
      return String.valueOf(getMessage());
    }
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
   * @param limits what decoding a picture may cost
   */
  public PictureReader(ObjectStore store, Clock clock, long maxBytes, DecodeLimits limits) {
    this.store = store;
    this.clock = clock;
    this.decoder = new ImageDecoder(limits);
    this.maxBytes = maxBytes;
  }

  /**
   * The bytes of a picture as they are now; it may have been replaced since it was listed.
   *
   * @param size bytes, when it was listed
   */
  public byte[] bytes(String bucket, String key, long size) throws Unusable {
    refuseLarge(size);
    try (var in = store.open(bucket, key)) {
      var bytes = in.readNBytes(Math.toIntExact(maxBytes) + 1);
      refuseLarge(bytes.length);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + key, e);
    }
  }

  /** The picture that these bytes are. */
  public RgbImage decode(byte[] bytes) throws Unusable {
    try {
      return decoder.decode(bytes);
    } catch (ImageUnreadable e) {
      throw new Unusable(
          e.reason().name().toLowerCase(Locale.ROOT).replace('_', ' ') + ": " + e.getMessage());
    }
  }

  /** How many pictures these bytes hold; the first one is decoded. */
  public int frames(byte[] bytes) {
    return decoder.frames(bytes);
  }

  /** Sees to it that these bytes lie in the store under their digest, and count. */
  public void keep(byte[] bytes, Sha256 digest) {
    var marker = StoreLayout.verified(digest);
    if (store.head(StoreLayout.DATASETS, marker).isEmpty()) {
      store.put(StoreLayout.DATASETS, StoreLayout.blob(digest), bytes, "application/octet-stream");
      var verified = new Verified(digest, bytes.length, "sha256", "upload", clock.instant());
      store.put(StoreLayout.DATASETS, marker, Json.bytes(verified), "application/json");
    }
  }

  private void refuseLarge(long size) throws Unusable {
    if (size > maxBytes) {
      throw new Unusable("the file has %d bytes, at most %d".formatted(size, maxBytes));
    }
  }
}
