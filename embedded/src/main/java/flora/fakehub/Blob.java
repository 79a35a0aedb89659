package flora.fakehub;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;

/** One file of a repository with the names that git and git-lfs give it. */
record Blob(long size, Content content, String sha256, String gitSha1) {

  private static final Set<String> LARGE =
      Set.of(
          ".safetensors .bin .ckpt .pt .h5 .msgpack .ot .onnx .tflite .parquet .zip .tar .png .jpg"
              .split(" "));
  private static final long LARGE_FROM = 10L << 20;

  /** Bytes from an offset on. */
  @FunctionalInterface
  interface Content {
    InputStream open(long offset) throws IOException;
  }

  static Blob of(byte[] bytes) {
    return of(
        bytes.length,
        offset -> new ByteArrayInputStream(bytes, (int) offset, bytes.length - (int) offset));
  }

  static Blob of(Path file) {
    try {
      return of(
          Files.size(file),
          offset -> {
            var in = Files.newInputStream(file);
            in.skipNBytes(offset);
            return in;
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes without meaning that are the same for the same seed. */
  static Blob noise(long seed, long size) {
    return of(size, offset -> new Noise(seed, offset, size));
  }

  private static Blob of(long size, Content content) {
    var sha256 = digest("SHA-256");
    var sha1 = digest("SHA-1");
    sha1.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
    var buffer = new byte[1 << 16];
    try (var in = content.open(0)) {
      for (int n; (n = in.read(buffer)) >= 0; ) {
        sha256.update(buffer, 0, n);
        sha1.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var hex = HexFormat.of();
    return new Blob(size, content, hex.formatHex(sha256.digest()), hex.formatHex(sha1.digest()));
  }

  /** Whether git-lfs keeps it, as the hub's usual {@code .gitattributes} has it. */
  boolean isLarge(String path) {
    int dot = path.lastIndexOf('.');
    return size > LARGE_FROM
        || (dot >= 0 && LARGE.contains(path.substring(dot).toLowerCase(Locale.ROOT)));
  }

  /** What lies in git in place of a large file. */
  byte[] pointer() {
    return ("version https://git-lfs.github.com/spec/v1\noid sha256:"
            + sha256
            + "\nsize "
            + size
            + "\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** The git id that the hub lists: of the file, or of its pointer. */
  String oid(String path) {
    return isLarge(path) ? of(pointer()).gitSha1() : gitSha1;
  }

  static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + algorithm, e);
    }
  }

  /** A function of seed and position: SplitMix64, eight bytes a step. */
  private static final class Noise extends InputStream {
    private final long seed;
    private final long size;
    private long at;

    Noise(long seed, long at, long size) {
      this.seed = seed;
      this.at = at;
      this.size = size;
    }

    @Override
    public int read() {
      return at < size ? byteAt(at++) & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      if (at >= size) {
        return length == 0 ? 0 : -1;
      }
      int n = (int) Math.min(length, size - at);
      for (int i = 0; i < n; i++) {
        into[offset + i] = byteAt(at + i);
      }
      at += n;
      return n;
    }

    private byte byteAt(long index) {
      long z = seed + (index >>> 3) * 0x9E3779B97F4A7C15L;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return (byte) ((z ^ (z >>> 31)) >>> ((index & 7) << 3));
    }
  }
}
