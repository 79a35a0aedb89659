package flora.store.s3;

import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import io.minio.AbortMultipartUploadArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.HeadObjectArgs;
import io.minio.MinioAsyncClient;
import io.minio.UploadPartArgs;
import io.minio.messages.Part;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** An open multipart upload. */
final class S3Multipart implements ObjectStore.Multipart {

  private final MinioAsyncClient quick;
  private final MinioAsyncClient patient;
  private final String bucket;
  private final String key;
  private final String uploadId;
  private final Map<Integer, Part> parts = new ConcurrentSkipListMap<>();
  private final Map<Integer, Integer> sizes = new ConcurrentSkipListMap<>();
  private boolean open = true;

  /** Parts are sent by {@code quick}; joining them may take the store minutes. */
  S3Multipart(
      MinioAsyncClient quick,
      MinioAsyncClient patient,
      String bucket,
      String key,
      String uploadId) {
    this.quick = quick;
    this.patient = patient;
    this.bucket = bucket;
    this.key = key;
    this.uploadId = uploadId;
  }

  @Override
  public void part(int number, byte[] bytes, int length) {
    var done =
        S3Calls.answer(
            bucket,
            key,
            () ->
                quick.uploadPart(
                    UploadPartArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .uploadId(uploadId)
                        .partNumber(number)
                        .data(bytes, length)
                        .build()));
    parts.put(number, done.part());
    sizes.put(number, length);
  }

  @Override
  public void complete() {
    var done =
        S3Calls.find(
            bucket,
            key,
            () ->
                patient.completeMultipartUpload(
                    CompleteMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .uploadId(uploadId)
                        .parts(parts.values().toArray(Part[]::new))
                        .build()));
    if (done.isEmpty() && !isJoined()) {
      throw new ObjectStoreException.NotFound(bucket, key);
    }
    open = false;
  }

  /** A first try that had no answer may have been heard: then the upload is gone, by success. */
  private boolean isJoined() {
    long expected = sizes.values().stream().mapToLong(Integer::longValue).sum();
    return S3Calls.find(
            bucket,
            key,
            () -> quick.headObject(HeadObjectArgs.builder().bucket(bucket).object(key).build()))
        .filter(h -> h.size() == expected)
        .filter(h -> h.etag().replace("\"", "").endsWith("-" + parts.size()))
        .isPresent();
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      S3Calls.find(
          bucket,
          key,
          () ->
              quick.abortMultipartUpload(
                  AbortMultipartUploadArgs.builder()
                      .bucket(bucket)
                      .object(key)
                      .uploadId(uploadId)
                      .build()));
    }
  }
}
