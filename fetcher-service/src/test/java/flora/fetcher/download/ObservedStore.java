package flora.fetcher.download;

import flora.schemas.store.ObjectRef;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.OpenUpload;
import flora.store.Stored;
import flora.store.UploadedPart;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A store as one client sees it. An observer hears of every operation before the store is asked and
 * after it has answered, and may keep it from going on: that is where a process dies or sleeps.
 */
final class ObservedStore implements ObjectStore {

  /** Hears of operations; what it throws ends the operation. */
  @FunctionalInterface
  interface Observer {
    void at(Step step);
  }

  /**
   * A moment of an operation.
   *
   * @param operation the name of the method
   * @param key of the object, or what a listing begins with
   * @param isBefore whether the store has not been asked yet
   */
  record Step(String operation, String key, boolean isBefore) {
    @Override
    public String toString() {
      return (isBefore ? "before " : "after ") + operation + " " + key;
    }
  }

  private final ObjectStore store;
  private final Observer observer;

  ObservedStore(ObjectStore store, Observer observer) {
    this.store = store;
    this.observer = observer;
  }

  private <T> T observed(String operation, String key, Supplier<T> call) {
    observer.at(new Step(operation, key, true));
    var answer = call.get();
    observer.at(new Step(operation, key, false));
    return answer;
  }

  private void told(String operation, String key, Runnable call) {
    observed(
        operation,
        key,
        () -> {
          call.run();
          return true;
        });
  }

  @Override
  public void ensureBucket(String bucket) {
    told("ensureBucket", bucket, () -> store.ensureBucket(bucket));
  }

  @Override
  public Optional<ObjectInfo> head(String bucket, String key) {
    return observed("head", key, () -> store.head(bucket, key));
  }

  @Override
  public Optional<Stored> read(String bucket, String key) {
    return observed("read", key, () -> store.read(bucket, key));
  }

  @Override
  public InputStream open(String bucket, String key) {
    return observed("open", key, () -> store.open(bucket, key));
  }

  @Override
  public InputStream open(String bucket, String key, long offset, long length) {
    return observed("open", key, () -> store.open(bucket, key, offset, length));
  }

  @Override
  public String put(String bucket, String key, byte[] bytes, String contentType) {
    return observed("put", key, () -> store.put(bucket, key, bytes, contentType));
  }

  @Override
  public Optional<String> putIfAbsent(String bucket, String key, byte[] bytes, String contentType) {
    return observed("putIfAbsent", key, () -> store.putIfAbsent(bucket, key, bytes, contentType));
  }

  @Override
  public Optional<String> putIfMatch(
      String bucket, String key, byte[] bytes, String contentType, String etag) {
    return observed(
        "putIfMatch", key, () -> store.putIfMatch(bucket, key, bytes, contentType, etag));
  }

  @Override
  public ObjectRef upload(String bucket, String key, Path file, String contentType) {
    return observed("upload", key, () -> store.upload(bucket, key, file, contentType));
  }

  @Override
  public Multipart startMultipart(String bucket, String key, String contentType) {
    return new Observed(
        key, observed("startMultipart", key, () -> store.startMultipart(bucket, key, contentType)));
  }

  @Override
  public Multipart resumeMultipart(String bucket, String key, String uploadId) {
    return new Observed(key, store.resumeMultipart(bucket, key, uploadId));
  }

  @Override
  public Stream<OpenUpload> openUploads(String bucket, String prefix) {
    return observed("openUploads", prefix, () -> store.openUploads(bucket, prefix));
  }

  @Override
  public Stream<ObjectInfo> list(String bucket, String prefix) {
    return observed("list", prefix, () -> store.list(bucket, prefix));
  }

  @Override
  public void delete(String bucket, String key) {
    told("delete", key, () -> store.delete(bucket, key));
  }

  @Override
  public void copy(String fromBucket, String fromKey, String toBucket, String toKey) {
    told("copy", toKey, () -> store.copy(fromBucket, fromKey, toBucket, toKey));
  }

  @Override
  public URI presignGet(String bucket, String key, Duration validFor) {
    return store.presignGet(bucket, key, validFor);
  }

  @Override
  public Optional<Long> freeBytes() {
    return store.freeBytes();
  }

  private final class Observed implements Multipart {

    private final String key;
    private final Multipart upload;

    Observed(String key, Multipart upload) {
      this.key = key;
      this.upload = upload;
    }

    @Override
    public String uploadId() {
      return upload.uploadId();
    }

    @Override
    public UploadedPart part(int number, byte[] bytes, int length) {
      return observed("part", key, () -> upload.part(number, bytes, length));
    }

    @Override
    public List<UploadedPart> parts() {
      return observed("parts", key, upload::parts);
    }

    @Override
    public void complete() {
      told("complete", key, upload::complete);
    }

    @Override
    public void complete(List<UploadedPart> parts) {
      told("complete", key, () -> upload.complete(parts));
    }

    @Override
    public void abort() {
      told("abort", key, upload::abort);
    }

    @Override
    public void close() {
      told("abort", key, upload::close);
    }
  }
}
