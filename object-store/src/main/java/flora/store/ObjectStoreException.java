package flora.store;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.store.ObjectRef;
import org.jspecify.annotations.Nullable;

/** What can go wrong between us and the object store. */
public abstract sealed class ObjectStoreException extends PipelineException {

  private ObjectStoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** There is no such object. */
  public static final class NotFound extends ObjectStoreException {
    public NotFound(String bucket, String key) {
      super("the object store has no " + bucket + "/" + key, null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** The store does not answer, or answers that it is busy: later may do. */
  public static final class Unavailable extends ObjectStoreException {
    public Unavailable(String what, @Nullable Throwable cause) {
      super("the object store is unavailable: " + what, cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.STORE_UNAVAILABLE;
    }
  }

  /**
   * The store's medium is full, or the bucket's quota used up: once room is made, trying again
   * helps.
   */
  public static final class Full extends ObjectStoreException {
    public Full(String what) {
      super("the object store has no room left: " + what, null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INSUFFICIENT_DISK;
    }

    @Override
    public String hint() {
      return "free space on the store's medium, or raise the bucket's quota";
    }
  }

  /** The store refuses: wrong credentials, or something it cannot do. */
  public static final class Rejected extends ObjectStoreException {
    public Rejected(String what, @Nullable Throwable cause) {
      super("the object store refuses: " + what, cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** The bytes are not those that the reference speaks of. */
  public static final class Corrupt extends ObjectStoreException {
    public Corrupt(ObjectRef expected, long size, String sha256) {
      super(
          "%s/%s has %d bytes with SHA-256 %s, expected %d bytes with %s"
              .formatted(
                  expected.bucket(),
                  expected.key(),
                  size,
                  sha256,
                  expected.size(),
                  expected.sha256()),
          null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.CHECKSUM_MISMATCH;
    }
  }

  /** The disk of the local cache is too small. */
  public static final class NoSpace extends ObjectStoreException {
    public NoSpace(String what, long needed, long free) {
      super("%s needs %d bytes on the disk and %d are free".formatted(what, needed, free), null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INSUFFICIENT_DISK;
    }
  }
}
