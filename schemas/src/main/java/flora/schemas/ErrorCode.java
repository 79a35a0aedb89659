package flora.schemas;

/** What went wrong, and through its category who is to act and whether trying again can help. */
public enum ErrorCode {
  // what the person asked for
  REQUEST_INVALID(Category.USER),
  NOT_SUPPORTED_YET(Category.USER),
  RUN_NOT_FOUND(Category.USER),
  RUN_NOT_ACTIVE(Category.USER),
  RUN_PAUSED(Category.USER),
  ARTIFACT_NOT_FOUND(Category.USER),
  DATASET_NOT_FOUND(Category.USER),
  DATASET_EMPTY(Category.USER),
  DATASET_INVALID(Category.USER),
  IMAGE_UNREADABLE(Category.USER),
  MODEL_NOT_FOUND(Category.USER),
  MODEL_UNSUPPORTED(Category.USER),
  REPO_NOT_FOUND(Category.USER),
  REVISION_NOT_FOUND(Category.USER),
  REPO_GATED(Category.USER),
  FILE_FILTERED_OUT(Category.USER),
  PICKLE_REFUSED(Category.USER),
  BUNDLE_INVALID(Category.USER),
  BUNDLE_UNTRUSTED(Category.USER),
  TARGETS_NOT_FOUND(Category.USER),
  // somebody else's machine
  HUB_UNREACHABLE(Category.EXTERNAL),
  HUB_RATE_LIMITED(Category.EXTERNAL),
  HUB_PROTOCOL(Category.EXTERNAL),
  STORE_UNAVAILABLE(Category.EXTERNAL),
  // bytes that are not what they should be
  CHECKSUM_MISMATCH(Category.CORRUPT),
  SAFETENSORS_MALFORMED(Category.CORRUPT),
  // not enough of something
  INSUFFICIENT_DISK(Category.RESOURCE),
  DEVICE_OUT_OF_MEMORY(Category.RESOURCE),
  // training that went astray
  LOSS_NOT_FINITE(Category.DIVERGED),
  // our fault
  INTERNAL(Category.INTERNAL);

  /** Who is to act on an error of this kind. */
  public enum Category {
    /** The person who asked: another request is needed. */
    USER,
    /** Somebody else's service: later may do. */
    EXTERNAL,
    /** The bytes are wrong: another source may do. */
    CORRUPT,
    /** The operator: more disk or memory is needed. */
    RESOURCE,
    /** The person who asked: other training options are needed. */
    DIVERGED,
    /** The makers of Flora. */
    INTERNAL
  }

  private final Category category;

  ErrorCode(Category category) {
    this.category = category;
  }

  /** Who is to act. */
  public Category category() {
    return category;
  }

  /** Whether doing the very same thing later may succeed. */
  public boolean isTransient() {
    return switch (category) {
      case EXTERNAL -> this != HUB_PROTOCOL;
      case USER, CORRUPT, RESOURCE, DIVERGED, INTERNAL -> false;
    };
  }
}
