package flora.store.memory;

import flora.schemas.store.ObjectRef;
import flora.store.DigestingUpload;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.OpenUpload;
import flora.store.Stored;
import flora.store.UploadedPart;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** An object store in memory, for tests. */
public final class MemoryObjectStore implements ObjectStore {

  /** S3 orders keys by their UTF-8 bytes. */
  private static final Comparator<String> KEY_ORDER =
      (a, b) ->
          Arrays.compareUnsigned(
              a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

  private static final class Item {
    final byte[] bytes;
    final String etag;
    final Instant modified;

    Item(byte[] bytes, String etag, Instant modified) {
      this.bytes = bytes;
      this.etag = etag;
      this.modified = modified;
    }
  }

  private final Clock clock;
  private final Map<String, Map<String, Item>> buckets = new TreeMap<>();
  private final Map<String, Parts> uploads = new TreeMap<>();
  private long puts;

  /** An empty store whose objects are dated by this clock. */
  public MemoryObjectStore(Clock clock) {
    this.clock = clock;
  }

  @Override
  public synchronized void ensureBucket(String bucket) {
    buckets.computeIfAbsent(bucket, _ -> new ConcurrentSkipListMap<>(KEY_ORDER));
  }

  @Override
  public synchronized Optional<ObjectInfo> head(String bucket, String key) {
    return Optional.ofNullable(find(bucket, key)).map(i -> info(bucket, key, i));
  }

  @Override
  public synchronized Optional<Stored> read(String bucket, String key) {
    return Optional.ofNullable(find(bucket, key)).map(i -> new Stored(i.bytes.clone(), i.etag));
  }

  @Override
  public InputStream open(String bucket, String key) {
    return new ByteArrayInputStream(get(bucket, key).bytes);
  }

  @Override
  public InputStream open(String bucket, String key, long offset, long length) {
    var bytes = get(bucket, key).bytes;
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new ObjectStoreException.Rejected(
          "bytes %d to %d of %s/%s, which has %d"
              .formatted(offset, offset + length, bucket, key, bytes.length),
          null);
    }
    return new ByteArrayInputStream(bytes, (int) offset, (int) length);
  }

  @Override
  public synchronized String put(String bucket, String key, byte[] bytes, String contentType) {
    var etag = "%032x".formatted(++puts);
    items(bucket, key).put(key, new Item(bytes.clone(), etag, clock.instant()));
    return etag;
  }

  @Override
  public synchronized Optional<String> putIfAbsent(
      String bucket, String key, byte[] bytes, String contentType) {
    return find(bucket, key) == null
        ? Optional.of(put(bucket, key, bytes, contentType))
        : Optional.empty();
  }

  @Override
  public synchronized Optional<String> putIfMatch(
      String bucket, String key, byte[] bytes, String contentType, String etag) {
    var found = find(bucket, key);
    return found != null && found.etag.equals(etag)
        ? Optional.of(put(bucket, key, bytes, contentType))
        : Optional.empty();
  }

  @Override
  public ObjectRef upload(String bucket, String key, Path file, String contentType) {
    try (var in = Files.newInputStream(file)) {
      return DigestingUpload.of(this, bucket, key, contentType, in, _ -> {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public synchronized Multipart startMultipart(String bucket, String key, String contentType) {
    items(bucket, key);
    var parts = new Parts(bucket, key, contentType, "upload-" + ++puts, clock.instant());
    uploads.put(parts.uploadId, parts);
    return parts;
  }

  @Override
  public synchronized Multipart resumeMultipart(String bucket, String key, String uploadId) {
    var parts = uploads.get(uploadId);
    return parts != null && parts.bucket.equals(bucket) && parts.key.equals(key)
        ? parts
        : new Parts(bucket, key, "", uploadId, clock.instant());
  }

  @Override
  public synchronized Stream<OpenUpload> openUploads(String bucket, String prefix) {
    items(bucket, prefix);
    return uploads.values().stream()
        .filter(u -> u.bucket.equals(bucket) && u.key.startsWith(prefix))
        .map(u -> new OpenUpload(u.key, u.uploadId, u.started))
        .sorted(Comparator.comparing(OpenUpload::key, KEY_ORDER))
        .toList()
        .stream();
  }

  @Override
  public synchronized Stream<ObjectInfo> list(String bucket, String prefix) {
    return items(bucket, prefix).entrySet().stream()
        .filter(e -> e.getKey().startsWith(prefix))
        .map(e -> info(bucket, e.getKey(), e.getValue()))
        .toList()
        .stream();
  }

  @Override
  public synchronized void delete(String bucket, String key) {
    items(bucket, key).remove(key);
  }

  @Override
  public synchronized void copy(String fromBucket, String fromKey, String toBucket, String toKey) {
    put(toBucket, toKey, get(fromBucket, fromKey).bytes, "");
  }

  @Override
  public URI presignGet(String bucket, String key, Duration validFor) {
    if (validFor.compareTo(MAX_PRESIGNED) > 0) {
      throw new IllegalArgumentException("a link lives at most " + MAX_PRESIGNED);
    }
    return URI.create("memory:///" + bucket + "/" + URLEncoder.encode(key, StandardCharsets.UTF_8));
  }

  @Override
  public Optional<Long> freeBytes() {
    return Optional.of(Runtime.getRuntime().maxMemory());
  }

  private Map<String, Item> items(String bucket, String key) {
    var items = buckets.get(bucket);
    if (items == null) {
      throw new ObjectStoreException.NotFound(bucket, key);
    }
    return items;
  }

  private @Nullable Item find(String bucket, String key) {
    return items(bucket, key).get(key);
  }

  private synchronized Item get(String bucket, String key) {
    var item = find(bucket, key);
    if (item == null) {
      throw new ObjectStoreException.NotFound(bucket, key);
    }
    return item;
  }

  private static ObjectInfo info(String bucket, String key, Item item) {
    return new ObjectInfo(bucket, key, item.bytes.length, item.etag, item.modified);
  }

  private final class Parts implements Multipart {

    private final String bucket;
    private final String key;
    private final String contentType;
    private final String uploadId;
    private final Instant started;
    private final Map<Integer, Item> parts = new TreeMap<>();

    Parts(String bucket, String key, String contentType, String uploadId, Instant started) {
      this.bucket = bucket;
      this.key = key;
      this.contentType = contentType;
      this.uploadId = uploadId;
      this.started = started;
    }

    @Override
    public String uploadId() {
      return uploadId;
    }

    @Override
    public UploadedPart part(int number, byte[] bytes, int length) {
      synchronized (MemoryObjectStore.this) {
        requireOpen();
        var etag = "%032x".formatted(++puts);
        parts.put(number, new Item(Arrays.copyOf(bytes, length), etag, clock.instant()));
        return new UploadedPart(number, etag, length);
      }
    }

    @Override
    public List<UploadedPart> parts() {
      synchronized (MemoryObjectStore.this) {
        if (uploads.get(uploadId) != this) {
          return List.of();
        }
        return parts.entrySet().stream()
            .map(e -> new UploadedPart(e.getKey(), e.getValue().etag, e.getValue().bytes.length))
            .toList();
      }
    }

    @Override
    public void complete() {
      complete(parts());
    }

    @Override
    public void complete(List<UploadedPart> wanted) {
      synchronized (MemoryObjectStore.this) {
        requireOpen();
        var whole = new ByteArrayOutputStream();
        for (var one : wanted) {
          var part = parts.get(one.number());
          if (part == null || !part.etag.equals(one.etag())) {
            throw new ObjectStoreException.Rejected(
                "part %d of %s/%s is another one".formatted(one.number(), bucket, key), null);
          }
          whole.writeBytes(part.bytes);
        }
        put(bucket, key, whole.toByteArray(), contentType);
        uploads.remove(uploadId);
      }
    }

    @Override
    public void abort() {
      synchronized (MemoryObjectStore.this) {
        uploads.remove(uploadId);
      }
    }

    @Override
    public void close() {
      abort();
    }

    private void requireOpen() {
      if (uploads.get(uploadId) != this) {
        throw new ObjectStoreException.NotFound(bucket, key);
      }
    }
  }
}
