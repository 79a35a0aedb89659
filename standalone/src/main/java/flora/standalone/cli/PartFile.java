package flora.standalone.cli;

import flora.schemas.Sha256;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A file on its way. Its bytes gather in a neighbour of it that is named after its digest, so that
 * a later command finds them and goes on; only the whole file with the right digest takes its name.
 */
final class PartFile {

  private static final int BUFFER = 1 << 20;
  private static final int MOST_FAILURES = 5;
  private static final long TOLD_EVERY = TimeUnit.MILLISECONDS.toNanos(300);

  private final Path file;
  private final Path part;
  private final long size;
  private final String sha256;
  private final byte[] buffer = new byte[BUFFER];
  private MessageDigest digest = sha256();

  PartFile(Path file, long size, String sha256) {
    this.file = file;
    this.size = size;
    this.sha256 = sha256;
    part = file.resolveSibling(".flora-%.16s.part".formatted(sha256));
  }

  /** Where the bytes come from. */
  interface Source {
    /** The bytes from an offset on. */
    InputStream open(long from) throws IOException, InterruptedException;
  }

  /**
   * Brings what lacks, and gives the file its name.
   *
   * @param progress is told now and then how many bytes there are
   * @throws InvalidInput when the file cannot be written, or comes with another digest
   */
  void fill(Source source, LongConsumer progress) throws IOException, InterruptedException {
    try (var channel =
        FileChannel.open(
            part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      try (var _ = lock(channel)) {
        boolean wasBegun = channel.size() > 0;
        receive(channel, source, progress);
        if (wasBegun && !received().equals(sha256)) {
          // what lay there was of something else
          channel.truncate(0);
          receive(channel, source, progress);
        }
      }
    }
    var received = received();
    if (!received.equals(sha256)) {
      Files.delete(part);
      throw new InvalidInput(
          "%s came with sha256 %s, expected %s: not written".formatted(file, received, sha256));
    }
    Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private FileLock lock(FileChannel channel) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new InvalidInput("another command is writing %s: wait for it".formatted(file));
    }
    return lock;
  }

  private void receive(FileChannel channel, Source source, LongConsumer progress)
      throws IOException, InterruptedException {
    long have = begin(channel);
    long told = System.nanoTime();
    for (int failures = 0; have < size; ) {
      @Nullable Throwable broken = null;
      try (var in = source.open(have)) {
        for (int read; have < size && (read = read(in, size - have)) >= 0; ) {
          write(channel, read);
          have += read;
          failures = 0;
          if (System.nanoTime() - told > TOLD_EVERY) {
            progress.accept(have);
            told = System.nanoTime();
          }
        }
      } catch (Broken | GatewayClient.ServerGone e) {
        broken = e;
      }
      if (have < size && ++failures > MOST_FAILURES) {
        throw new InvalidInput(
            "the connection to the server broke at byte %d of %s%s: run the same command again, it goes on there"
                .formatted(
                    have, file, broken == null ? "" : " (%s)".formatted(broken.getMessage())));
      }
      if (have < size) {
        Thread.sleep(200L * failures);
      }
    }
  }

  /** Reads what is there already into the digest, and stands behind it. */
  private long begin(FileChannel channel) throws IOException {
    digest = sha256();
    if (channel.size() > size) {
      channel.truncate(0);
    }
    channel.position(0);
    var bytes = ByteBuffer.wrap(buffer);
    while (channel.read(bytes.clear()) > 0) {
      digest.update(bytes.flip());
    }
    return channel.position();
  }

  private int read(InputStream in, long most) throws Broken {
    try {
      return in.read(buffer, 0, (int) Math.min(buffer.length, most));
    } catch (IOException e) {
      throw new Broken(e);
    }
  }

  private void write(FileChannel channel, int length) {
    digest.update(buffer, 0, length);
    try {
      for (var bytes = ByteBuffer.wrap(buffer, 0, length); bytes.hasRemaining(); ) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new InvalidInput(
          "%s cannot be written: %s. What is there stays: the same command goes on from it"
              .formatted(file, e.getMessage()));
    }
  }

  /** SHA-256 of a file, in hex. */
  static String digest(Path file) throws IOException {
    try (var in = new DigestInputStream(Files.newInputStream(file), sha256())) {
      in.transferTo(OutputStream.nullOutputStream());
      return Sha256.of(in.getMessageDigest().digest()).hex();
    }
  }

  /** The digest so far; what comes later still counts. */
  private String received() {
    try {
      return Sha256.of(((MessageDigest) digest.clone()).digest()).hex();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("the platform's SHA-256 can be cloned", e);
    }
  }

  /** The other end stopped speaking. */
  private static final class Broken extends IOException {
    Broken(IOException cause) {
      super(cause.getMessage(), cause);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
