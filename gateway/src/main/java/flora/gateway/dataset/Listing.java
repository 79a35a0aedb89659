package flora.gateway.dataset;

import flora.schemas.Sha256;
import flora.store.ObjectInfo;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Comparator;

/** What lies in a folder as one digest: the same files are the same listing, for every gateway. */
public final class Listing {

  private Listing() {}

  /** Digest over key, size and etag of every file, in key order. */
  public static Sha256 digest(Collection<ObjectInfo> files) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      files.stream()
          .sorted(Comparator.comparing(ObjectInfo::key))
          .map(f -> f.key() + "\0" + f.size() + "\0" + f.etag().replace("\"", "") + "\n")
          .forEach(line -> digest.update(line.getBytes(StandardCharsets.UTF_8)));
      return Sha256.of(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
