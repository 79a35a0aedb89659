package flora.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.gaul.s3proxy.S3ErrorCode;
import org.gaul.s3proxy.S3ProxyException;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetBucketVersioningRequest;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;
import software.amazon.awssdk.services.s3.model.Part;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * Uploads in parts that are written once. The proxy itself keeps each part as a file, takes its MD5
 * and copies all of them into another file at the end: twice the disk, twice the writing, and
 * minutes of waiting for a large object. Uploads that ask for more than bytes under a plain name
 * (metadata, checksums of the whole, versions) are left to the proxy.
 */
final class PlacedUploads extends ForwardingBlobStore {

  /** Not a UUID as the proxy's own are. */
  private static final Pattern ID = Pattern.compile("placed-[0-9a-f]{32}");

  /** Lists pass over it, and what is given up below it is swept at the next start. */
  private static final String PREFIX = ".mpus-";

  private static final Pattern PLAIN =
      Pattern.compile("[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*(/[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*)*");

  private static final String ETAG = "user.content-md5";
  private static final String TYPE = "user.content-type";
  private static final String TIER = "user.storage-tier";

  private final Path objects;
  private final Map<String, PlacedUpload> open = new ConcurrentHashMap<>();

  /**
   * @param objects the folder that the delegate keeps its buckets in
   */
  PlacedUploads(BlobStore delegate, Path objects) {
    super(delegate);
    this.objects = objects;
  }

  @Override
  public MultipartUpload initiateMultipartUpload(CreateMultipartUploadRequest request) {
    if (!isPlain(request)) {
      return super.initiateMultipartUpload(request);
    }
    var id = "placed-" + UUID.randomUUID().toString().replace("-", "");
    var folder = objects.resolve(request.bucket()).resolve(PREFIX + id);
    open.put(id, io(() -> PlacedUpload.begin(folder, request.key())));
    return new MultipartUpload(id, request);
  }

  private boolean isPlain(CreateMultipartUploadRequest request) {
    return PLAIN.matcher(request.key()).matches()
        && request.metadata().isEmpty()
        && request.cacheControl() == null
        && request.contentDisposition() == null
        && request.contentEncoding() == null
        && request.contentLanguage() == null
        && request.expires() == null
        && request.checksumAlgorithm() == null
        && request.serverSideEncryption() == null
        && request.sseCustomerAlgorithm() == null
        && (request.acl() == null || request.acl() == ObjectCannedACL.PRIVATE)
        && (request.storageClass() == null || "STANDARD".equals(request.storageClassAsString()))
        && !isVersioned(request.bucket());
  }

  private boolean isVersioned(String bucket) {
    return supportsVersioning()
        && getBucketVersioning(GetBucketVersioningRequest.builder().bucket(bucket).build()).status()
            != null;
  }

  /** Empty for one of the proxy's own. */
  private Optional<PlacedUpload> find(MultipartUpload upload) {
    return find(upload.containerName(), upload.blobName(), upload.id());
  }

  private Optional<PlacedUpload> find(String bucket, String key, String id) {
    if (!ID.matcher(id).matches()) {
      return Optional.empty();
    }
    var folder = objects.resolve(bucket).resolve(PREFIX + id);
    if (!Files.isDirectory(folder)) {
      open.remove(id);
      throw gone();
    }
    var found = open.computeIfAbsent(id, _ -> io(() -> PlacedUpload.resume(folder)));
    if (!found.key().equals(key)) {
      throw gone();
    }
    return Optional.of(found);
  }

  /** A part from this very process; its etag, empty for an upload that is not placed. */
  Optional<String> put(String bucket, String key, String id, int number, ByteBuffer bytes) {
    return find(bucket, key, id).map(placed -> io(() -> placed.write(number, bytes)));
  }

  private static RuntimeException gone() {
    return new S3ProxyException(S3ErrorCode.NO_SUCH_UPLOAD);
  }

  @Override
  public UploadPartResponse uploadMultipartPart(
      MultipartUpload upload, UploadPartRequest request, InputStream payload) {
    var placed = find(upload).orElse(null);
    if (placed == null) {
      return super.uploadMultipartPart(upload, request, payload);
    }
    var sent = request.contentMD5();
    return io(
        () -> {
          try (var in = sent == null ? payload : new Compared(payload, md5(), sent)) {
            var etag = placed.write(request.partNumber(), request.contentLength(), in);
            return UploadPartResponse.builder().eTag(etag).build();
          }
        });
  }

  @Override
  public List<Part> listMultipartUpload(MultipartUpload upload) {
    if (!ID.matcher(upload.id()).matches()) {
      return super.listMultipartUpload(upload);
    }
    return parts(upload).stream()
        .map(
            part ->
                Part.builder()
                    .partNumber(part.number())
                    .size(part.size())
                    .eTag(part.etag())
                    .lastModified(part.at())
                    .build())
        .toList();
  }

  /** None of an upload that is no longer there, as the proxy has it. */
  private List<PlacedUpload.Placed> parts(MultipartUpload upload) {
    try {
      return find(upload).map(PlacedUpload::parts).orElse(List.of());
    } catch (S3ProxyException e) {
      return List.of();
    }
  }

  @Override
  public List<software.amazon.awssdk.services.s3.model.MultipartUpload> listMultipartUploads(
      String bucket) {
    var all = new ArrayList<>(super.listMultipartUploads(bucket));
    var folder = objects.resolve(bucket);
    try (var folders = Files.newDirectoryStream(folder, PREFIX + "placed-*")) {
      for (var one : folders) {
        var id = one.getFileName().toString().substring(PREFIX.length());
        try {
          var upload = open.computeIfAbsent(id, _ -> io(() -> PlacedUpload.resume(one)));
          all.add(
              software.amazon.awssdk.services.s3.model.MultipartUpload.builder()
                  .key(upload.key())
                  .uploadId(id)
                  .build());
        } catch (S3ProxyException e) {
          // it was joined or dropped just now
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }

  @Override
  public void abortMultipartUpload(MultipartUpload upload) {
    var placed = find(upload).orElse(null);
    if (placed == null) {
      super.abortMultipartUpload(upload);
      return;
    }
    io(
        () -> {
          placed.remove();
          return open.remove(upload.id(), placed);
        });
  }

  @Override
  public CompleteMultipartUploadResponse completeMultipartUpload(
      MultipartUpload upload, CompleteMultipartUploadRequest request) {
    var placed = find(upload).orElse(null);
    if (placed == null) {
      return super.completeMultipartUpload(upload, request);
    }
    if (request.ifNoneMatch() != null || request.ifMatch() != null) {
      throw new S3ProxyException(S3ErrorCode.NOT_IMPLEMENTED);
    }
    return io(
        () -> {
          placed.close();
          try {
            var parts = wanted(placed, request);
            var etag = "\"%s-%d\"".formatted(md5(parts), parts.size());
            publish(placed.join(parts), upload, etag);
            placed.remove();
            open.remove(upload.id(), placed);
            return CompleteMultipartUploadResponse.builder().eTag(etag).build();
          } catch (IOException | RuntimeException e) {
            placed.reopen();
            throw e;
          }
        });
  }

  private static List<PlacedUpload.Placed> wanted(
      PlacedUpload upload, CompleteMultipartUploadRequest request) {
    var there = new HashMap<Integer, PlacedUpload.Placed>();
    upload.parts().forEach(part -> there.put(part.number(), part));
    var wanted = new ArrayList<PlacedUpload.Placed>();
    for (var named : request.multipartUpload().parts()) {
      var part = there.get(named.partNumber());
      var etag = named.eTag();
      if (part == null || (etag != null && !etag.replace("\"", "").equals(part.etag()))) {
        throw new S3ProxyException(S3ErrorCode.INVALID_PART);
      }
      wanted.add(part);
    }
    return wanted;
  }

  /** As S3 has it: the digest of the parts' etags. */
  private static String md5(List<PlacedUpload.Placed> parts) {
    var md5 = md5();
    parts.forEach(part -> md5.update(HexFormat.of().parseHex(part.etag())));
    return HexFormat.of().formatHex(md5.digest());
  }

  private void publish(Path data, MultipartUpload upload, String etag) throws IOException {
    var view = Files.getFileAttributeView(data, UserDefinedFileAttributeView.class);
    if (view != null) {
      write(view, ETAG, etag);
      write(view, TYPE, upload.request().contentType());
      write(view, TIER, "STANDARD");
    }
    var object = objects.resolve(upload.containerName()).resolve(upload.blobName());
    Files.createDirectories(object.getParent());
    Files.move(data, object, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    setBlobAccess(upload.containerName(), upload.blobName(), ObjectCannedACL.PRIVATE);
  }

  private static void write(UserDefinedFileAttributeView view, String name, @Nullable String value)
      throws IOException {
    if (value != null) {
      view.write(name, StandardCharsets.UTF_8.encode(value));
    }
  }

  private static MessageDigest md5() {
    try {
      return MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5", e);
    }
  }

  /** Bytes that are compared with the MD5 that was sent along, once all of them have come. */
  private static final class Compared extends DigestInputStream {
    private final String expected;
    private boolean isCompared;

    Compared(InputStream in, MessageDigest md5, String expected) {
      super(in, md5);
      this.expected = expected;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int n = super.read(bytes, offset, length);
      if (n < 0 && !isCompared) {
        isCompared = true;
        var received = Base64.getEncoder().encodeToString(getMessageDigest().digest());
        if (!received.equals(expected)) {
          throw new S3ProxyException(S3ErrorCode.BAD_DIGEST);
        }
      }
      return n;
    }
  }

  private interface Work<T> {
    T run() throws IOException;
  }

  private static <T> T io(Work<T> work) {
    try {
      return work.run();
    } catch (NoSuchFileException e) {
      throw gone();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
