package flora.hub.plan;

import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.RetryPolicy;
import flora.schemas.Sha256;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Documents from whoever has them. What does not have the digest that is listed is not read: a
 * mirror must not choose the files.
 */
final class VerifiedDocuments implements Documents {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int LARGEST = 64 << 20;
  private static final int LARGEST_HEADER = 10 << 20;

  private final RepoCopies copies;
  private final RetryPolicy policy;

  VerifiedDocuments(RepoCopies copies, RetryPolicy policy) {
    this.copies = copies;
    this.policy = policy;
  }

  @Override
  public JsonNode read(HubFile file) throws InterruptedException {
    var repo = copies.listing().repo();
    if (file.size() > LARGEST) {
      throw new PlanException.Incomplete(
          repo, file.path(), "a document of less than %d bytes".formatted(LARGEST));
    }
    try {
      return JSON.readTree(bytes(file));
    } catch (JacksonException e) {
      return JsonNodeFactory.instance.objectNode();
    }
  }

  @Override
  public Set<String> tensorNames(HubFile file) throws InterruptedException {
    if (file.size() < Long.BYTES) {
      return Set.of();
    }
    var length = ByteBuffer.wrap(start(file, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > LARGEST_HEADER || length > file.size() - Long.BYTES) {
      return Set.of();
    }
    var start = start(file, Long.BYTES + length);
    try {
      var header = JSON.readTree(start, Long.BYTES, (int) length);
      return Set.copyOf(header.propertyNames());
    } catch (JacksonException e) {
      return Set.of();
    }
  }

  private byte[] bytes(HubFile file) throws InterruptedException {
    return read(file, file.size(), source -> bytes(source, file));
  }

  private byte[] start(HubFile file, long length) throws InterruptedException {
    return read(
        file,
        length,
        source -> {
          try (var stream = source.open(0, length)) {
            return stream.readAll(file.path(), (int) length);
          } catch (HubException e) {
            source.failed(e);
            throw e;
          }
        });
  }

  /** Reads something of one copy of a file. */
  @FunctionalInterface
  private interface Reading {
    byte[] from(FileSource source) throws InterruptedException;
  }

  private byte[] read(HubFile file, long length, Reading reading) throws InterruptedException {
    var stored = copies.stored(file, length);
    if (stored.isPresent()) {
      return stored.get();
    }
    for (int failures = 1; ; failures++) {
      HubException failure = null;
      for (var source : copies.sources(file)) {
        if (!source.isUsable()) {
          continue;
        }
        try {
          return reading.from(source);
        } catch (HubException e) {
          failure = worse(failure, e);
        }
      }
      if (failure == null) {
        throw new HubException.EntryNotFound(
            copies.listing().repo(), file.path(), "whoever can be reached");
      }
      var delay = policy.delay(failures, failure);
      if (delay == null) {
        throw failure;
      }
      Thread.sleep(delay);
    }
  }

  private byte[] bytes(FileSource source, HubFile file) throws InterruptedException {
    try (var stream = source.open(0, file.size())) {
      var bytes = stream.readAll(file);
      if (!has(bytes, file)) {
        var what = "its digest is not the one that is listed";
        source.lied("%s: %s".formatted(file.path(), what));
        throw new HubException.OtherFile(source.name(), copies.listing().repo(), file.path(), what);
      }
      return bytes;
    } catch (HubException.OtherFile e) {
      throw e;
    } catch (HubException e) {
      source.failed(e);
      throw e;
    }
  }

  /**
   * What may pass is worth another try, whatever the others said; otherwise terms that are to be
   * accepted tell more than who lacks the file.
   */
  private static HubException worse(@Nullable HubException one, HubException other) {
    if (one == null || RetryPolicy.isTransient(other)) {
      return other;
    }
    return other instanceof HubException.Gated && !RetryPolicy.isTransient(one) ? other : one;
  }

  private static boolean has(byte[] bytes, HubFile file) {
    var sha256 = file.sha256();
    if (sha256 != null) {
      return Sha256.sum(bytes).equals(sha256);
    }
    try {
      var sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update("blob %d\0".formatted(bytes.length).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sha1.digest(bytes)).equals(file.gitSha1());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
