package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** A request body on its way into the store, in parts, so that its size does not matter here. */
final class Upload {

  private static final int PART = 8 << 20;
  private static final String TYPE = "application/octet-stream";

  private final ObjectStore store;
  private final long limit;

  Upload(ObjectStore store, long limit) {
    this.store = store;
    this.limit = limit;
  }

  /** What came in. */
  record Done(long size, Sha256 sha256) {}

  /**
   * Stores a body; nothing of it is visible before all of it is there.
   *
   * @param announced its length, -1 when the client did not say
   * @throws Refusal.TooLarge when it is too large, as early as that can be known
   */
  Done receive(String key, InputStream body, long announced) throws IOException {
    if (announced > limit) {
      throw tooLarge();
    }
    var digest = sha256();
    var first = read(body, announced);
    digest.update(first);
    long size = first.length;
    check(size);
    if (size < PART) {
      store.put(StoreLayout.DATASETS, key, first, TYPE);
      return new Done(size, Sha256.of(digest.digest()));
    }
    try (var parts = store.startMultipart(StoreLayout.DATASETS, key, TYPE)) {
      var part = first;
      for (int number = 1; part.length > 0; number++) {
        parts.part(number, part, part.length);
        part = read(body, -1);
        digest.update(part);
        size += part.length;
        check(size);
      }
      parts.complete();
    }
    return new Done(size, Sha256.of(digest.digest()));
  }

  private static byte[] read(InputStream body, long announced) throws IOException {
    if (announced >= 0 && announced < PART) {
      var all = new byte[(int) announced];
      int read = body.readNBytes(all, 0, all.length);
      return read == all.length ? all : Arrays.copyOf(all, read);
    }
    return body.readNBytes(PART);
  }

  private void check(long size) {
    if (size > limit) {
      throw tooLarge();
    }
  }

  private Refusal.TooLarge tooLarge() {
    return new Refusal.TooLarge("the file", limit);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
