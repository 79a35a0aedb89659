package flora.store;

import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes bytes of any number into an object while their SHA-256 runs along: a small object in one
 * put, a large one in parts, two of which are on their way while the next is filled. Nothing is
 * visible before {@link #complete()}, and closing without it leaves nothing behind. For one thread.
 */
public final class DigestingUpload extends OutputStream {

  private static final int PARALLEL = 2;

  /** At most 10,000 parts are allowed: larger parts after each thousand. */
  private static final int GROW_EVERY = 1000;

  private static final int MAX_PART = 4 * ObjectStore.PART_SIZE;

  private final ObjectStore store;
  private final String bucket;
  private final String key;
  private final String contentType;
  private final MessageDigest digest = sha256Digest();
  private final Deque<Future<?>> underway = new ArrayDeque<>();
  private ObjectStore.@Nullable Multipart multipart;
  private @Nullable ExecutorService senders;
  private byte[] part;
  private int filled;
  private int parts;
  private long size;
  private @Nullable Sha256 sha256;

  private DigestingUpload(ObjectStore store, String bucket, String key, String contentType) {
    this.store = store;
    this.bucket = bucket;
    this.key = key;
    this.contentType = contentType;
    this.part = new byte[64 << 10];
  }

  /** Begins an upload. */
  public static DigestingUpload start(
      ObjectStore store, String bucket, String key, String contentType) {
    return new DigestingUpload(store, bucket, key, contentType);
  }

  /**
   * Uploads a stream to its end.
   *
   * @param progress told the bytes taken so far, now and then
   */
  public static ObjectRef of(
      ObjectStore store,
      String bucket,
      String key,
      String contentType,
      InputStream in,
      LongConsumer progress)
      throws IOException {
    try (var upload = start(store, bucket, key, contentType)) {
      var buffer = new byte[256 << 10];
      for (int n; (n = in.read(buffer)) >= 0; ) {
        upload.write(buffer, 0, n);
        progress.accept(upload.size());
      }
      return upload.complete();
    }
  }

  /** Bytes written so far. */
  public long size() {
    return size;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    if (sha256 != null) {
      throw new IllegalStateException("nothing can be written once the digest was asked for");
    }
    digest.update(bytes, offset, length);
    size += length;
    for (int done = 0; done < length; ) {
      if (filled == part.length) {
        makeRoom();
      }
      int n = Math.min(length - done, part.length - filled);
      System.arraycopy(bytes, offset + done, part, filled, n);
      filled += n;
      done += n;
    }
  }

  /** Digest of everything; nothing more can be written. To be compared before completing. */
  public Sha256 sha256() {
    var known = sha256;
    if (known == null) {
      known = Sha256.of(digest.digest());
      sha256 = known;
    }
    return known;
  }

  /** Makes the object visible. */
  public ObjectRef complete() {
    var sum = sha256();
    var open = multipart;
    if (open == null) {
      store.put(bucket, key, java.util.Arrays.copyOf(part, filled), contentType);
    } else {
      if (filled > 0) {
        send(open);
      }
      await(0);
      open.complete();
    }
    return new ObjectRef(bucket, key, size, sum);
  }

  /** Drops what was sent, unless it was completed. */
  @Override
  public void close() {
    try {
      var open = multipart;
      if (open != null) {
        underway.forEach(f -> f.cancel(true));
        var pool = senders;
        if (pool != null) {
          pool.close();
        }
        open.close();
      }
    } finally {
      multipart = null;
    }
  }

  private void makeRoom() {
    if (part.length < ObjectStore.PART_SIZE) {
      part = java.util.Arrays.copyOf(part, Math.min(part.length * 4, ObjectStore.PART_SIZE));
      return;
    }
    var open = multipart;
    if (open == null) {
      open = store.startMultipart(bucket, key, contentType);
      multipart = open;
      senders = Executors.newVirtualThreadPerTaskExecutor();
    }
    send(open);
  }

  private void send(ObjectStore.Multipart open) {
    await(PARALLEL - 1);
    var number = ++parts;
    var bytes = part;
    var length = filled;
    var pool = senders;
    if (pool == null) {
      throw new IllegalStateException("the upload is closed");
    }
    underway.add(pool.submit(() -> open.part(number, bytes, length)));
    int next = number % GROW_EVERY == 0 ? Math.min(part.length * 2, MAX_PART) : part.length;
    part = new byte[next];
    filled = 0;
  }

  private void await(int left) {
    while (underway.size() > left) {
      try {
        underway.remove().get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ObjectStoreException.Unavailable("interrupted", e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof ObjectStoreException known) {
          throw known;
        }
        throw new IllegalStateException(e);
      }
    }
  }

  static MessageDigest sha256Digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
