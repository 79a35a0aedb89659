package flora.store.s3;

import flora.store.ObjectStoreException;
import io.minio.errors.ErrorResponseException;
import io.minio.errors.InvalidResponseException;
import io.minio.errors.MinioException;
import io.minio.errors.ServerException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for the client's answers, tries again what may succeed later, and turns what went wrong
 * into the store's own exceptions. Messages never carry headers, so no signature gets into a log.
 */
final class S3Calls {

  private static final Logger log = LoggerFactory.getLogger(S3Calls.class);

  /** Three seconds in all: longer outages are for the stage to wait for, which can be cancelled. */
  private static final List<Duration> PAUSES =
      List.of(
          Duration.ofMillis(50),
          Duration.ofMillis(250),
          Duration.ofMillis(700),
          Duration.ofSeconds(2));

  /** What a failure means to the caller. */
  private enum Kind {
    MISSING,
    CONDITION,
    TRANSIENT,
    FULL,
    REFUSED
  }

  /** A failed request, without its headers. */
  private record Trouble(Kind kind, String text, @Nullable Throwable cause) {}

  /** Something to ask the store. */
  interface Call<T> {
    CompletableFuture<T> start() throws MinioException;
  }

  private S3Calls() {}

  /** The answer; {@code NotFound} when what was asked for is missing. */
  static <T> T answer(String bucket, String key, Call<T> call) {
    return find(bucket, key, call)
        .orElseThrow(() -> new ObjectStoreException.NotFound(bucket, key));
  }

  /** The answer, or nothing when what was asked for is missing. */
  static <T> Optional<T> find(String bucket, String key, Call<T> call) {
    for (int tries = 0; ; tries++) {
      try {
        return Optional.of(call.start().get());
      } catch (ExecutionException | MinioException e) {
        var trouble = trouble(e);
        switch (trouble.kind()) {
          case MISSING -> {
            return Optional.empty();
          }
          case CONDITION, REFUSED -> throw rejected(bucket, key, trouble);
          case FULL ->
              throw new ObjectStoreException.Full(bucket + "/" + key + ": " + trouble.text());
          case TRANSIENT -> pause(tries, bucket, key, trouble);
        }
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }
  }

  /**
   * The answer to a conditional put, or nothing when the condition did not hold. When an earlier
   * try had no answer it may have won all the same: then what lies there decides.
   *
   * @param ours the answer as it would be had our bytes been written, nothing when others lie there
   */
  static <T> Optional<T> condition(
      String bucket, String key, Call<T> call, Supplier<Optional<T>> ours) {
    for (int tries = 0; ; tries++) {
      try {
        return Optional.of(call.start().get());
      } catch (ExecutionException | MinioException e) {
        var trouble = trouble(e);
        switch (trouble.kind()) {
          case MISSING, CONDITION -> {
            return tries == 0 ? Optional.empty() : ours.get();
          }
          case REFUSED -> throw rejected(bucket, key, trouble);
          case FULL ->
              throw new ObjectStoreException.Full(bucket + "/" + key + ": " + trouble.text());
          case TRANSIENT -> pause(tries, bucket, key, trouble);
        }
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }
  }

  private static void pause(int tries, String bucket, String key, Trouble trouble) {
    if (tries >= PAUSES.size()) {
      throw new ObjectStoreException.Unavailable(
          bucket + "/" + key + ": " + trouble.text(), trouble.cause());
    }
    log.debug("again in {}: {}/{}: {}", PAUSES.get(tries), bucket, key, trouble.text());
    sleep(tries);
  }

  /** Whether another try is worth it; sleeps before the answer. */
  static boolean again(int tries) {
    if (tries >= PAUSES.size()) {
      return false;
    }
    sleep(tries);
    return true;
  }

  private static void sleep(int tries) {
    try {
      Thread.sleep(PAUSES.get(tries));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static ObjectStoreException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new ObjectStoreException.Unavailable("interrupted", e);
  }

  private static ObjectStoreException rejected(String bucket, String key, Trouble trouble) {
    return new ObjectStoreException.Rejected(
        bucket + "/" + key + ": " + trouble.text(), trouble.cause());
  }

  private static Trouble trouble(Throwable thrown) {
    var e = thrown;
    while ((e instanceof ExecutionException || e instanceof CompletionException)
        && e.getCause() != null) {
      e = e.getCause();
    }
    if (e instanceof ErrorResponseException refused) {
      var code = refused.errorResponse().code();
      int status = refused.response().code();
      return new Trouble(kind(code, status), code + " (HTTP " + status + ")", null);
    }
    if (e instanceof ServerException server) {
      int status = server.statusCode();
      return new Trouble(kind("", status), "HTTP " + status, null);
    }
    if (e instanceof InvalidResponseException) {
      if (String.valueOf(e.getMessage()).contains("Response code: 507,")) {
        return new Trouble(Kind.FULL, "HTTP 507", null); // s3proxy's has no content
      }
      return new Trouble(Kind.TRANSIENT, "an answer that is not S3's: is this its address?", null);
    }
    var io = e instanceof IOException ? e : e.getCause();
    if (io instanceof IOException) {
      return new Trouble(Kind.TRANSIENT, String.valueOf(io.getMessage()), io);
    }
    return new Trouble(Kind.REFUSED, e.getClass().getSimpleName() + ": " + e.getMessage(), null);
  }

  private static Kind kind(@Nullable String code, int status) {
    return switch (code == null ? "" : code) {
      case "NoSuchKey", "NoSuchBucket", "NoSuchUpload" -> Kind.MISSING;
      case "PreconditionFailed" -> Kind.CONDITION;
      // MinIO, Ceph, and what others call the same
      case "XMinioStorageFull",
          "XMinioAdminBucketQuotaExceeded",
          "QuotaExceeded",
          "EntityTooLargeForQuota",
          "InsufficientStorage",
          "InsufficientCapacity" ->
          Kind.FULL;
      case "SlowDown",
          "SlowDownRead",
          "SlowDownWrite",
          "InternalError",
          "ServiceUnavailable",
          "RequestTimeout",
          "Throttling",
          "RequestLimitExceeded",
          "ConditionalRequestConflict",
          "OperationAborted",
          "XMinioServerNotInitialized" ->
          Kind.TRANSIENT;
      default ->
          switch (status) {
            case 404 -> Kind.MISSING;
            case 412 -> Kind.CONDITION;
            case 507 -> Kind.FULL;
            case 408, 429, 500, 502, 503, 504 -> Kind.TRANSIENT;
            default -> Kind.REFUSED;
          };
    };
  }
}
