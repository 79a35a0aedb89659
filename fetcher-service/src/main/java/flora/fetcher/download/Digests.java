package flora.fetcher.download;

import flora.hub.HubFile;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The digests of a file as its bytes come by in order: SHA-256 always, since blobs are named by it,
 * and git's id of a blob (SHA-1 over a small header and the bytes) where the hub names the file by
 * that alone.
 */
final class Digests {

  private final HubFile file;
  private final MessageDigest sha256 = digest("SHA-256");
  private final @Nullable MessageDigest sha1;
  private @Nullable Sha256 sum;
  private @Nullable String gitId;

  Digests(HubFile file) {
    this.file = file;
    if (file.sha256() == null) {
      sha1 = digest("SHA-1");
      sha1.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
    } else {
      sha1 = null;
    }
  }

  void update(byte[] bytes, int offset, int length) {
    sha256.update(bytes, offset, length);
    if (sha1 != null) {
      sha1.update(bytes, offset, length);
    }
  }

  /** Nothing can be added after this. */
  Sha256 sha256() {
    var known = sum;
    if (known == null) {
      known = Sha256.of(sha256.digest());
      sum = known;
    }
    return known;
  }

  boolean areRight() {
    return expected().equals(received());
  }

  String verifiedBy() {
    return sha1 == null ? "lfs-sha256" : "git-sha1";
  }

  String expected() {
    return expected(file);
  }

  /** What a file is listed with. */
  static String expected(HubFile file) {
    var listed = file.sha256();
    return listed == null ? "git id " + file.gitSha1() : "sha256 " + listed;
  }

  String received() {
    if (sha1 == null) {
      return "sha256 " + sha256();
    }
    var known = gitId;
    if (known == null) {
      known = HexFormat.of().formatHex(sha1.digest());
      gitId = known;
    }
    return "git id " + known;
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + algorithm, e);
    }
  }
}
