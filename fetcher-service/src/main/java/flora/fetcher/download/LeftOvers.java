package flora.fetcher.download;

import flora.schemas.Json;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.OpenUpload;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Throws away what downloads have left that nobody has gone on with for days: states of uploads
 * with their parts, uploads that no state names, and staged files without a state. Any number of
 * instances may do so at once.
 */
public final class LeftOvers implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LeftOvers.class);
  private static final List<String> BUCKETS = List.of(StoreLayout.MODELS, StoreLayout.DATASETS);
  private static final List<String> PREFIXES = List.of("blobs/", StoreLayout.UPLOADS);
  private static final String STATE = ".json";
  private static final String STAGED = ".part";

  private final ObjectStore store;
  private final Duration age;
  private final Clock clock;
  private final ScheduledExecutorService schedule =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("left-overs").factory());

  /**
   * @param settings say how old a left-over is
   */
  public LeftOvers(ObjectStore store, DownloadSettings settings, Clock clock) {
    this.store = store;
    this.age = settings.leftOverAge();
    this.clock = clock;
  }

  /** Sweeps now and then. */
  public void start() {
    var unused = schedule.scheduleWithFixedDelay(this::sweepQuietly, 5, 360, TimeUnit.MINUTES);
  }

  private void sweepQuietly() {
    try {
      int gone = sweep();
      if (gone > 0) {
        log.info("{} left-overs of downloads are gone", gone);
      }
    } catch (RuntimeException e) {
      log.warn("left-overs of downloads stay for now: {}", e.getMessage());
    }
  }

  /** Returns how many things are gone. */
  int sweep() {
    var before = clock.instant().minus(age);
    return BUCKETS.stream().mapToInt(bucket -> sweep(bucket, before)).sum();
  }

  private int sweep(String bucket, Instant before) {
    int gone = 0;
    var named = new HashSet<String>();
    var states = new HashSet<String>();
    for (var object : objects(bucket)) {
      if (object.key().endsWith(STATE)) {
        if (object.lastModified().isBefore(before) && remove(bucket, object.key())) {
          gone++;
        } else {
          states.add(object.key());
          store
              .read(bucket, object.key())
              .ifPresent(stored -> named.add(UploadState.parse(stored.bytes()).uploadId()));
        }
      }
    }
    return gone + removeStaged(bucket, before, states) + abort(bucket, before, named);
  }

  private List<ObjectInfo> objects(String bucket) {
    try (var all = store.list(bucket, StoreLayout.UPLOADS)) {
      return all.toList();
    }
  }

  /** Claims a state like one who goes on with it; whoever does so at this moment keeps it. */
  private boolean remove(String bucket, String key) {
    var stored = store.read(bucket, key);
    if (stored.isEmpty()) {
      return false;
    }
    var old = UploadState.parse(stored.get().bytes());
    if (old.expires().isAfter(clock.instant())) {
      return false;
    }
    var mine = Json.bytes(old.by("left-overs", clock.instant().plusSeconds(60), "", List.of()));
    if (store.putIfMatch(bucket, key, mine, "application/json", stored.get().etag()).isEmpty()) {
      return false;
    }
    for (var upload : open(bucket)) {
      if (upload.uploadId().equals(old.uploadId())) {
        store.resumeMultipart(bucket, upload.key(), upload.uploadId()).abort();
      }
    }
    store.delete(bucket, key);
    return true;
  }

  private int removeStaged(String bucket, Instant before, Set<String> states) {
    int gone = 0;
    for (var object : objects(bucket)) {
      var key = object.key();
      if (key.endsWith(STAGED)
          && object.lastModified().isBefore(before)
          && !states.contains(key.substring(0, key.length() - STAGED.length()) + STATE)) {
        store.delete(bucket, key);
        gone++;
      }
    }
    return gone;
  }

  private int abort(String bucket, Instant before, Set<String> named) {
    int gone = 0;
    for (var upload : open(bucket)) {
      if (upload.started().isBefore(before) && !named.contains(upload.uploadId())) {
        store.resumeMultipart(bucket, upload.key(), upload.uploadId()).abort();
        gone++;
      }
    }
    return gone;
  }

  private List<OpenUpload> open(String bucket) {
    try (var uploads = store.openUploads(bucket, "")) {
      return uploads.filter(u -> PREFIXES.stream().anyMatch(u.key()::startsWith)).toList();
    }
  }

  @Override
  public void close() {
    schedule.shutdownNow();
  }
}
