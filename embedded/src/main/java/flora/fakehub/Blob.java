package flora.fakehub;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** One file of a repository with the names that git and git-lfs give it. */
record Blob(long size, Content content, String sha256, String gitSha1) {

  private static final Set<String> LARGE =
      Set.of(
          ".safetensors .bin .ckpt .pt .h5 .msgpack .ot .onnx .tflite .parquet .zip .tar .png .jpg"
              .split(" "));
  private static final long LARGE_FROM = 10L << 20;

  /** Where the bytes come from. */
  @FunctionalInterface
  interface Content {
    Reader open() throws IOException;
  }

  /** Bytes at any offset. */
  interface Reader extends Closeable {
    /** Copies so many bytes from an offset on, all of them. */
    void copy(long at, long count, WritableByteChannel to) throws IOException;

    @Override
    default void close() throws IOException {}
  }

  static Blob of(byte[] bytes) {
    return of(
        bytes.length,
        () -> (at, count, to) -> write(ByteBuffer.wrap(bytes, (int) at, (int) count), to));
  }

  static Blob of(Path file) {
    try {
      return of(Files.size(file), () -> new OfFile(FileChannel.open(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes without meaning that are the same for the same seed. */
  static Blob noise(long seed, long size) {
    return of(size, () -> new Noise(seed));
  }

  private static Blob of(long size, Content content) {
    var sha256 = digest("SHA-256");
    var sha1 = digest("SHA-1");
    sha1.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
    try (var in = content.open()) {
      in.copy(0, size, new Digesting(List.of(sha256, sha1)));
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

  private static void write(ByteBuffer bytes, WritableByteChannel to) throws IOException {
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
  }

  private record Digesting(List<MessageDigest> digests) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) {
      int n = bytes.remaining();
      for (var digest : digests) {
        digest.update(bytes.duplicate());
      }
      bytes.position(bytes.limit());
      return n;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private record OfFile(FileChannel file) implements Reader {
    @Override
    public void copy(long at, long count, WritableByteChannel to) throws IOException {
      for (long done = 0; done < count; ) {
        long n = file.transferTo(at + done, count - done, to);
        if (n <= 0 && at + done >= file.size()) {
          throw new IOException("a file became shorter while it was served");
        }
        done += n;
      }
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  /** A function of seed and position: SplitMix64, eight bytes a step. */
  private static final class Noise implements Reader {
    private static final int AT_ONCE = 256 << 10;
    private final long seed;
    private final ByteBuffer buffer =
        ByteBuffer.allocate(AT_ONCE + 2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);

    Noise(long seed) {
      this.seed = seed;
    }

    @Override
    public void copy(long at, long count, WritableByteChannel to) throws IOException {
      for (long from = at; from < at + count; from += AT_ONCE) {
        int n = (int) Math.min(AT_ONCE, at + count - from);
        int skip = (int) (from & 7);
        buffer.clear();
        for (long word = from >>> 3; buffer.position() < skip + n; word++) {
          long z = seed + word * 0x9E3779B97F4A7C15L;
          z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
          z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
          buffer.putLong(z ^ (z >>> 31));
        }
        write(buffer.position(skip).limit(skip + n), to);
      }
    }
  }
}
