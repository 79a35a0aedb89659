package flora.labeler.spool;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import flora.store.ObjectStore;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.function.Consumer;

/** Values as lines of JSON: in a file that is being written, and in objects that are read. */
public final class JsonLines implements AutoCloseable {

  private final BufferedWriter out;
  private long count;

  private JsonLines(BufferedWriter out) {
    this.out = out;
  }

  /** Lines for a file, in place of what is in it. */
  public static JsonLines to(Path file) {
    try {
      return new JsonLines(Files.newBufferedWriter(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** Adds a line. */
  public void add(Object value) {
    try {
      out.write(Json.mapper().writeValueAsString(value));
      out.write('\n');
      count++;
    } catch (IOException e) {
      throw new UncheckedIOException("the disk of the work folder cannot be written", e);
    }
  }

  /** How many lines there are. */
  public long count() {
    return count;
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new UncheckedIOException("the disk of the work folder cannot be written", e);
    }
  }

  /** Every line of an object. */
  public static <T> void read(
      ObjectStore store, ObjectRef reference, Class<T> type, Consumer<T> lines) {
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                store.open(reference.bucket(), reference.key()), StandardCharsets.UTF_8))) {
      for (var line = in.readLine(); line != null; line = in.readLine()) {
        lines.accept(Json.read(line.getBytes(StandardCharsets.UTF_8), type));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + reference.key(), e);
    }
  }

  /** Digest of a file. */
  public static Sha256 digest(Path file) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      try (var in = new DigestInputStream(Files.newInputStream(file), digest)) {
        in.transferTo(java.io.OutputStream.nullOutputStream());
      }
      return Sha256.of(digest.digest());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
