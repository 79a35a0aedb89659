package flora.store.s3;

import flora.store.LocalParts;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.UploadedPart;
import io.minio.AbortMultipartUploadArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.HeadObjectArgs;
import io.minio.Http;
import io.minio.ListPartsArgs;
import io.minio.ListPartsResponse;
import io.minio.MinioAsyncClient;
import io.minio.UploadPartArgs;
import io.minio.messages.ListPartsResult;
import io.minio.messages.Part;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** An open multipart upload. */
final class S3Multipart implements ObjectStore.Multipart {

  private static final int PAGE = 1000;

  private final MinioAsyncClient quick;
  private final MinioAsyncClient patient;
  private final LocalParts local;
  private final boolean isSigned;
  private final String bucket;
  private final String key;
  private final String uploadId;
  private final Map<Integer, UploadedPart> sent = new ConcurrentSkipListMap<>();
  private volatile boolean open = true;

  /**
   * Parts are put straight into a store of this process, else sent by {@code quick}; joining them
   * may take the store minutes.
   *
   * @param isSigned whether the signature covers the bytes of the parts, at the price of their
   *     SHA-256 on both sides; otherwise their CRC-32C goes along and the store checks that
   */
  S3Multipart(
      MinioAsyncClient quick,
      MinioAsyncClient patient,
      LocalParts local,
      boolean isSigned,
      String bucket,
      String key,
      String uploadId) {
    this.quick = quick;
    this.patient = patient;
    this.local = local;
    this.isSigned = isSigned;
    this.bucket = bucket;
    this.key = key;
    this.uploadId = uploadId;
  }

  @Override
  public String uploadId() {
    return uploadId;
  }

  @Override
  public UploadedPart part(int number, byte[] bytes, int length) {
    var etag =
        local
            .put(bucket, key, uploadId, number, ByteBuffer.wrap(bytes, 0, length))
            .orElseGet(() -> send(number, bytes, length));
    var part = new UploadedPart(number, etag, length);
    sent.put(number, part);
    return part;
  }

  private String send(int number, byte[] bytes, int length) {
    var args =
        UploadPartArgs.builder()
            .bucket(bucket)
            .object(key)
            .uploadId(uploadId)
            .partNumber(number)
            .data(bytes, length);
    if (!isSigned) {
      args.headers(checked(bytes, length));
    }
    var done = S3Calls.answer(bucket, key, () -> quick.uploadPart(args.build()));
    return S3ObjectStore.etag(done.part().etag());
  }

  /** The client would take the CRC-32C as well, by a loop of its own: a third of a GB a second. */
  private static Http.Headers checked(byte[] bytes, int length) {
    var crc = new CRC32C();
    crc.update(bytes, 0, length);
    var sum = ByteBuffer.allocate(Integer.BYTES).putInt((int) crc.getValue()).array();
    return new Http.Headers(
        Map.of(
            "X-Amz-Content-Sha256",
            "UNSIGNED-PAYLOAD",
            "X-Amz-Sdk-Checksum-Algorithm",
            "CRC32C",
            "X-Amz-Checksum-Crc32c",
            Base64.getEncoder().encodeToString(sum)));
  }

  @Override
  public List<UploadedPart> parts() {
    var all = new ArrayList<UploadedPart>();
    for (boolean more = true; more; ) {
      // not by the page's own marker: services differ in what they put there
      var found = page(all.isEmpty() ? null : all.getLast().number());
      if (found.isEmpty()) {
        return List.of();
      }
      var page = found.get();
      page.parts()
          .forEach(
              p ->
                  all.add(
                      new UploadedPart(
                          p.partNumber(), S3ObjectStore.etag(p.etag()), p.partSize())));
      more = page.isTruncated() && !page.parts().isEmpty();
    }
    return all;
  }

  private Optional<ListPartsResult> page(@Nullable Integer after) {
    return S3Calls.find(
            bucket,
            key,
            () ->
                quick.listParts(
                    ListPartsArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .uploadId(uploadId)
                        .maxParts(PAGE)
                        .partNumberMarker(after)
                        .build()))
        .map(ListPartsResponse::result);
  }

  @Override
  public void complete() {
    complete(List.copyOf(sent.values()));
  }

  @Override
  public void complete(List<UploadedPart> parts) {
    var named =
        parts.stream().map(part -> new Part(part.number(), part.etag())).toArray(Part[]::new);
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
                        .parts(named)
                        .build()));
    if (done.isEmpty() && !isJoined(parts)) {
      throw new ObjectStoreException.NotFound(bucket, key);
    }
    open = false;
  }

  /** A first try that had no answer may have been heard: then the upload is gone, by success. */
  private boolean isJoined(List<UploadedPart> parts) {
    long expected = parts.stream().mapToLong(UploadedPart::size).sum();
    return S3Calls.find(
            bucket,
            key,
            () -> quick.headObject(HeadObjectArgs.builder().bucket(bucket).object(key).build()))
        .filter(h -> h.size() == expected)
        .filter(h -> S3ObjectStore.etag(h.etag()).endsWith("-" + parts.size()))
        .isPresent();
  }

  @Override
  public void abort() {
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

  @Override
  public void close() {
    if (open) {
      abort();
    }
  }
}
