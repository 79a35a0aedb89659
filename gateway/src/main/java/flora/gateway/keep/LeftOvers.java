package flora.gateway.keep;

import flora.hub.archive.Claim;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.OpenUpload;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is left of files that were on their way when somebody was killed and that nobody has gone on
 * with since: parts in the store that no listing shows, and how far each file was.
 */
final class LeftOvers {

  /** Whoever comes back within this time goes on where it was. */
  private static final Duration AGE = Duration.ofDays(7);

  private static final Duration CLAIM = Duration.ofMinutes(1);
  private static final String STATE = ".json";
  private static final String STAGED = ".part";

  private final ObjectStore store;
  private final Clock clock;
  private final String owner;

  /**
   * @param owner a name for the claims
   */
  LeftOvers(ObjectStore store, Clock clock, String owner) {
    this.store = store;
    this.clock = clock;
    this.owner = owner;
  }

  /** Takes them away; the number of files that were on their way. */
  int remove() {
    int removed = 0;
    for (var bucket : List.of(StoreLayout.MODELS, StoreLayout.DATASETS)) {
      removed += remove(bucket);
    }
    return removed;
  }

  private int remove(String bucket) {
    var oldest = clock.instant().minus(AGE);
    int removed = 0;
    for (var upload : uploads(bucket, oldest)) {
      removed += free(bucket, name(upload.key()), oldest, () -> abort(bucket, upload)) ? 1 : 0;
    }
    for (var key : objects(bucket, oldest)) {
      removed += free(bucket, name(key), oldest, () -> store.delete(bucket, key)) ? 1 : 0;
    }
    return removed;
  }

  /**
   * Does something that whoever brings the file must not meet: under his claim, unless it is held
   * or was renewed not long ago. The claim's object says how far the file is, and goes.
   */
  private boolean free(String bucket, String name, Instant oldest, Runnable removal) {
    var key = StoreLayout.upload(name);
    if (store.head(bucket, key).filter(o -> o.lastModified().isAfter(oldest)).isPresent()) {
      return false;
    }
    var claim = Claim.take(store, clock, bucket, key, owner, CLAIM);
    claim.ifPresent(
        held -> {
          try {
            removal.run();
          } finally {
            held.release();
          }
        });
    return claim.isPresent();
  }

  private void abort(String bucket, OpenUpload upload) {
    store.resumeMultipart(bucket, upload.key(), upload.uploadId()).abort();
  }

  private List<OpenUpload> uploads(String bucket, Instant oldest) {
    var found = new ArrayList<OpenUpload>();
    for (var prefix : List.of("blobs/", StoreLayout.UPLOADS)) {
      try (Stream<OpenUpload> open = store.openUploads(bucket, prefix)) {
        open.filter(upload -> upload.started().isBefore(oldest))
            .filter(upload -> isOurs(upload.key()))
            .forEach(found::add);
      }
    }
    return found;
  }

  private List<String> objects(String bucket, Instant oldest) {
    try (var objects = store.list(bucket, StoreLayout.UPLOADS)) {
      return objects
          .filter(object -> object.lastModified().isBefore(oldest))
          .map(ObjectInfo::key)
          .filter(key -> key.endsWith(STATE) || key.endsWith(STAGED))
          .filter(LeftOvers::isOurs)
          .toList();
    }
  }

  private static boolean isOurs(String key) {
    return name(key).matches("[0-9a-f]{40}|[0-9a-f]{64}");
  }

  /** The digest that a key ends with. */
  private static String name(String key) {
    var last = key.substring(key.lastIndexOf('/') + 1);
    return last.endsWith(STATE) || last.endsWith(STAGED)
        ? last.substring(0, last.lastIndexOf('.'))
        : last;
  }
}
