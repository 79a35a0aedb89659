package flora.embedded;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.S3Exceptions;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * Makes {@code If-Match} a compare-and-swap, and a full disk an answer that says so. The proxy
 * itself only looks before it writes, so two writers may both win; leases and fencing need one
 * winner. All writers of this folder go through this process, so a lock per key is enough.
 */
final class AtomicConditions extends ForwardingBlobStore {

  /** Conditional puts are for small objects: they are read before the lock is taken. */
  private static final int MAX_CONDITIONAL = 16 << 20;

  private final Object[] locks =
      IntStream.range(0, 64).mapToObj(_ -> new Object()).toArray(Object[]::new);

  AtomicConditions(BlobStore delegate) {
    super(delegate);
  }

  @Override
  public PutObjectResponse putBlob(PutObjectRequest request, InputStream payload) {
    var expected = request.ifMatch();
    if (expected == null || "*".equals(expected)) {
      return orFull(() -> super.putBlob(request, payload));
    }
    var bytes = read(payload);
    var lock =
        locks[Math.floorMod((request.bucket() + "/" + request.key()).hashCode(), locks.length)];
    synchronized (lock) {
      var found = etag(request.bucket(), request.key());
      if (found == null || !unquoted(found).equals(unquoted(expected))) {
        throw S3Exceptions.fromStatusCode(412);
      }
      return orFull(() -> super.putBlob(request, new ByteArrayInputStream(bytes)));
    }
  }

  @Override
  public UploadPartResponse uploadMultipartPart(
      MultipartUpload upload, UploadPartRequest request, InputStream payload) {
    return orFull(() -> super.uploadMultipartPart(upload, request, payload));
  }

  @Override
  public CompleteMultipartUploadResponse completeMultipartUpload(
      MultipartUpload upload, CompleteMultipartUploadRequest request) {
    return orFull(() -> super.completeMultipartUpload(upload, request));
  }

  /** The answer; 507 when the disk is full, which the proxy alone would call an internal error. */
  private static <T> T orFull(Supplier<T> write) {
    try {
      return write.get();
    } catch (RuntimeException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        var text = cause.getMessage();
        if (cause instanceof IOException
            && text != null
            && (text.contains("No space left") || text.contains("Disk quota exceeded"))) {
          throw S3Exceptions.fromStatusCode(507, e);
        }
      }
      throw e;
    }
  }

  private @Nullable String etag(String bucket, String key) {
    var metadata = blobMetadata(bucket, key);
    return metadata == null ? null : metadata.eTag();
  }

  private static String unquoted(String etag) {
    return etag.replace("\"", "");
  }

  private static byte[] read(InputStream payload) {
    try (payload) {
      var bytes = payload.readNBytes(MAX_CONDITIONAL + 1);
      if (bytes.length > MAX_CONDITIONAL) {
        throw S3Exceptions.fromStatusCode(413);
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
