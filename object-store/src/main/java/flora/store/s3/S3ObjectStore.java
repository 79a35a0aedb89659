package flora.store.s3;

import flora.schemas.store.ObjectRef;
import flora.store.DigestingUpload;
import flora.store.LocalFiles;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.OpenUpload;
import flora.store.Secret;
import flora.store.Stored;
import io.minio.CopyObjectArgs;
import io.minio.CreateBucketArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.GetObjectArgs;
import io.minio.GetObjectResponse;
import io.minio.GetPresignedObjectUrlArgs;
import io.minio.HeadBucketArgs;
import io.minio.HeadObjectArgs;
import io.minio.Http;
import io.minio.ListMultipartUploadsArgs;
import io.minio.ListObjectsV2Args;
import io.minio.MinioAsyncClient;
import io.minio.PutObjectAPIArgs;
import io.minio.RemoveObjectArgs;
import io.minio.SourceObject;
import io.minio.errors.MinioException;
import io.minio.messages.ListBucketResultV2;
import io.minio.messages.ListMultipartUploadsResult;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.jspecify.annotations.Nullable;

/** The object store behind an S3 endpoint, addressed by path. */
public final class S3ObjectStore implements ObjectStore, AutoCloseable {

  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration QUICK = Duration.ofSeconds(60);

  /** Joining the parts of a 5 GB upload took an embedded store 20 s. */
  private static final Duration PATIENT = Duration.ofMinutes(15);

  private static final int PAGE = 1000;
  private static final int PARALLEL = 64;

  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("store-", 0).factory());
  private final OkHttpClient http;
  private final MinioAsyncClient quick;
  private final MinioAsyncClient patient;
  private final LocalFiles files;
  private final boolean signsParts;

  /**
   * A client; nothing is asked of the store yet.
   *
   * @param files the store's own files when it is on this machine
   */
  public S3ObjectStore(
      URI endpoint, String accessKey, Secret secretKey, String region, LocalFiles files) {
    this.files = files;
    // what TLS or this very machine carries needs no signature against strangers on the way
    this.signsParts = !("https".equals(endpoint.getScheme()) || isLoopback(endpoint.getHost()));
    var dispatcher = new Dispatcher(threads);
    dispatcher.setMaxRequests(PARALLEL);
    dispatcher.setMaxRequestsPerHost(PARALLEL);
    http =
        new OkHttpClient.Builder()
            .dispatcher(dispatcher)
            // five are kept by default: most of many small puts would each connect anew
            .connectionPool(new ConnectionPool(PARALLEL, 1, TimeUnit.MINUTES))
            .protocols(List.of(Protocol.HTTP_1_1))
            .connectTimeout(CONNECT)
            .readTimeout(QUICK)
            .writeTimeout(QUICK)
            .addInterceptor(S3ObjectStore::nameStorageClasses)
            // a conditional put must know whether it was sent twice
            .retryOnConnectionFailure(false)
            .build();
    quick = client(endpoint, accessKey, secretKey, region, http);
    patient =
        client(
            endpoint, accessKey, secretKey, region, http.newBuilder().readTimeout(PATIENT).build());
  }

  /** MinIO lists open uploads with an empty storage class, which its own client cannot read. */
  private static Response nameStorageClasses(Interceptor.Chain chain) throws IOException {
    var response = chain.proceed(chain.request());
    var url = chain.request().url();
    if (!url.queryParameterNames().contains("uploads") || !response.isSuccessful()) {
      return response;
    }
    var body = response.body();
    var named =
        body.string()
            .replace("<StorageClass></StorageClass>", "<StorageClass>STANDARD</StorageClass>");
    return response.newBuilder().body(ResponseBody.create(named, body.contentType())).build();
  }

  private static boolean isLoopback(@Nullable String host) {
    return host != null
        && (host.equals("localhost") || host.equals("[::1]") || host.startsWith("127."));
  }

  private static MinioAsyncClient client(
      URI endpoint, String accessKey, Secret secretKey, String region, OkHttpClient http) {
    var client =
        MinioAsyncClient.builder()
            .endpoint(endpoint.toString())
            .credentials(accessKey, secretKey.value())
            .region(region)
            .httpClient(http)
            .build();
    client.disableVirtualStyleEndpoint();
    return client;
  }

  @Override
  public void close() {
    http.dispatcher().cancelAll();
    http.connectionPool().evictAll();
    threads.shutdownNow();
  }

  @Override
  public void ensureBucket(String bucket) {
    if (hasBucket(bucket)) {
      return;
    }
    try {
      S3Calls.answer(
          bucket, "", () -> quick.createBucket(CreateBucketArgs.builder().bucket(bucket).build()));
    } catch (ObjectStoreException.Rejected | ObjectStoreException.NotFound e) {
      if (!hasBucket(bucket)) { // another was not faster
        throw e;
      }
    }
  }

  private boolean hasBucket(String bucket) {
    return S3Calls.find(
            bucket, "", () -> quick.headBucket(HeadBucketArgs.builder().bucket(bucket).build()))
        .isPresent();
  }

  @Override
  public Optional<ObjectInfo> head(String bucket, String key) {
    return S3Calls.find(
            bucket,
            key,
            () -> quick.headObject(HeadObjectArgs.builder().bucket(bucket).object(key).build()))
        .map(h -> new ObjectInfo(bucket, key, h.size(), etag(h.etag()), instant(h.lastModified())));
  }

  @Override
  public Optional<Stored> read(String bucket, String key) {
    for (int tries = 0; ; tries++) {
      var answer = find(bucket, key, 0, null, null);
      if (answer.isEmpty()) {
        return Optional.empty();
      }
      try (var in = answer.get()) {
        return Optional.of(new Stored(in.readAllBytes(), etagOf(in)));
      } catch (IOException e) {
        if (!S3Calls.again(tries)) {
          throw new ObjectStoreException.Unavailable(bucket + "/" + key + " broke off", e);
        }
      }
    }
  }

  @Override
  public InputStream open(String bucket, String key) {
    var first = get(bucket, key, 0, null, null);
    var etag = etagOf(first);
    return new ResumingStream(bucket + "/" + key, first, at -> get(bucket, key, at, null, etag));
  }

  @Override
  public InputStream open(String bucket, String key, long offset, long length) {
    if (length == 0) {
      return InputStream.nullInputStream(); // S3 has no empty range
    }
    var first = get(bucket, key, offset, length, null);
    var etag = etagOf(first);
    return new ResumingStream(
        bucket + "/" + key,
        first,
        at ->
            at >= length
                ? InputStream.nullInputStream()
                : get(bucket, key, offset + at, length - at, etag));
  }

  private GetObjectResponse get(
      String bucket, String key, long offset, @Nullable Long length, @Nullable String etag) {
    return find(bucket, key, offset, length, etag)
        .orElseThrow(() -> new ObjectStoreException.NotFound(bucket, key));
  }

  private Optional<GetObjectResponse> find(
      String bucket, String key, long offset, @Nullable Long length, @Nullable String etag) {
    var args = GetObjectArgs.builder().bucket(bucket).object(key);
    if (offset > 0 || length != null) {
      args.offset(offset);
    }
    if (length != null) {
      args.length(length);
    }
    if (etag != null) {
      args.matchETag(etag);
    }
    return S3Calls.find(bucket, key, () -> quick.getObject(args.build()));
  }

  @Override
  public String put(String bucket, String key, byte[] bytes, String contentType) {
    var args = putArgs(bucket, key, bytes, contentType, Map.of());
    return etag(S3Calls.answer(bucket, key, () -> quick.putObject(args)).etag());
  }

  @Override
  public Optional<String> putIfAbsent(String bucket, String key, byte[] bytes, String contentType) {
    return putIf(bucket, key, bytes, contentType, Map.of("If-None-Match", "*"));
  }

  @Override
  public Optional<String> putIfMatch(
      String bucket, String key, byte[] bytes, String contentType, String etag) {
    return putIf(bucket, key, bytes, contentType, Map.of("If-Match", "\"" + etag + "\""));
  }

  private Optional<String> putIf(
      String bucket, String key, byte[] bytes, String contentType, Map<String, String> condition) {
    var args = putArgs(bucket, key, bytes, contentType, condition);
    return S3Calls.condition(
        bucket,
        key,
        () -> quick.putObject(args).thenApply(w -> etag(w.etag())),
        () -> read(bucket, key).filter(s -> Arrays.equals(s.bytes(), bytes)).map(Stored::etag));
  }

  private static PutObjectAPIArgs putArgs(
      String bucket, String key, byte[] bytes, String contentType, Map<String, String> condition) {
    return PutObjectAPIArgs.builder()
        .bucket(bucket)
        .object(key)
        .data(bytes, bytes.length)
        .contentType(contentType)
        .extraHeaders(condition)
        .build();
  }

  @Override
  public ObjectRef upload(String bucket, String key, Path file, String contentType) {
    try (var in = Files.newInputStream(file)) {
      return DigestingUpload.of(this, bucket, key, contentType, in, _ -> {});
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  @Override
  public Multipart startMultipart(String bucket, String key, String contentType) {
    var headers = new Http.Headers(Map.of(Http.Headers.CONTENT_TYPE, contentType));
    var started =
        S3Calls.answer(
            bucket,
            key,
            () ->
                quick.createMultipartUpload(
                    CreateMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .headers(headers)
                        .build()));
    return resumeMultipart(bucket, key, started.result().uploadId());
  }

  @Override
  public Multipart resumeMultipart(String bucket, String key, String uploadId) {
    return new S3Multipart(quick, patient, files.parts(), signsParts, bucket, key, uploadId);
  }

  /**
   * The prefix is not sent: MinIO takes it for the name of one object. Open uploads are few, so
   * looking through all of them costs a page or two.
   */
  @Override
  public Stream<OpenUpload> openUploads(String bucket, String prefix) {
    return Stream.iterate(
            uploads(bucket, null),
            Objects::nonNull,
            page -> page.isTruncated() ? uploads(bucket, page.uploads().getLast()) : null)
        .flatMap(page -> page.uploads().stream())
        .map(u -> new OpenUpload(u.objectName(), u.uploadId(), instant(u.initiated())))
        .filter(upload -> upload.key().startsWith(prefix));
  }

  private ListMultipartUploadsResult uploads(
      String bucket, ListMultipartUploadsResult.@Nullable Upload after) {
    var args = ListMultipartUploadsArgs.builder().bucket(bucket).prefix("").maxUploads(PAGE);
    if (after != null) {
      args.keyMarker(after.objectName()).uploadIdMarker(after.uploadId());
    }
    return S3Calls.answer(bucket, "", () -> quick.listMultipartUploads(args.build())).result();
  }

  @Override
  public Stream<ObjectInfo> list(String bucket, String prefix) {
    return Stream.iterate(
            page(bucket, prefix, ""),
            Objects::nonNull,
            page -> page.isTruncated() ? page(bucket, prefix, last(page)) : null)
        .flatMap(page -> page.contents().stream())
        .map(
            item ->
                new ObjectInfo(
                    bucket,
                    item.objectName(),
                    item.size(),
                    etag(item.etag()),
                    instant(item.lastModified())));
  }

  private static String last(ListBucketResultV2 page) {
    return page.contents().getLast().objectName();
  }

  private ListBucketResultV2 page(String bucket, String prefix, String after) {
    var args =
        ListObjectsV2Args.builder().bucket(bucket).prefix(prefix).encodingType("url").maxKeys(PAGE);
    if (!after.isEmpty()) {
      args.startAfter(after);
    }
    var page = S3Calls.answer(bucket, prefix, () -> quick.listObjectsV2(args.build())).result();
    page.contents().forEach(item -> item.setEncodingType(page.encodingType()));
    return page;
  }

  @Override
  public void delete(String bucket, String key) {
    S3Calls.find(
        bucket,
        key,
        () ->
            quick
                .removeObject(RemoveObjectArgs.builder().bucket(bucket).object(key).build())
                .thenApply(_ -> true));
  }

  @Override
  public void copy(String fromBucket, String fromKey, String toBucket, String toKey) {
    var source = SourceObject.builder().bucket(fromBucket).object(fromKey).build();
    S3Calls.answer(
        fromBucket,
        fromKey,
        () ->
            patient.copyObject(
                CopyObjectArgs.builder().bucket(toBucket).object(toKey).source(source).build()));
  }

  @Override
  public URI presignGet(String bucket, String key, Duration validFor) {
    if (validFor.compareTo(MAX_PRESIGNED) > 0 || validFor.compareTo(Duration.ofSeconds(1)) < 0) {
      throw new IllegalArgumentException("a link lives a second to " + MAX_PRESIGNED);
    }
    try {
      return URI.create(
          quick.getPresignedObjectUrl(
              GetPresignedObjectUrlArgs.builder()
                  .method(Http.Method.GET)
                  .bucket(bucket)
                  .object(key)
                  .expiry((int) validFor.toSeconds())
                  .build()));
    } catch (MinioException e) {
      throw new ObjectStoreException.Rejected("a link to " + bucket + "/" + key, null);
    }
  }

  @Override
  public Optional<Long> freeBytes() {
    return files.freeBytes();
  }

  private static String etagOf(GetObjectResponse response) {
    return etag(response.headers().get("ETag"));
  }

  /** Services differ in whether they quote. */
  static String etag(@Nullable String etag) {
    return etag == null ? "" : etag.replace("\"", "");
  }

  private static Instant instant(@Nullable ZonedDateTime time) {
    return time == null ? Instant.EPOCH : time.toInstant();
  }
}
