package flora.fetcher.download;

import flora.fetcher.download.UploadState.StoredPart;
import flora.schemas.Json;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.UploadedPart;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to fetch one large file, and its multipart upload. It is had by writing oneself into
 * the upload's state under a condition, kept by writing again and again, and lost when somebody
 * else has written: a holder that slept too long finds out before it joins or marks anything. What
 * it still stores is seen by the one after it, who compares what the store lists before it joins.
 */
final class Claim {

  private static final Logger log = LoggerFactory.getLogger(Claim.class);
  private static final String JSON = "application/json";
  private static final String BYTES = "application/octet-stream";
  private static final long SAVE_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long LOOK_MILLIS = 100;

  /** Clocks differ, so the time after which a claim has expired is so much longer than silence. */
  private static final int FAR_OFF = 6;

  /** Somebody else has taken over. */
  static final class Lost extends RuntimeException {
    Lost(String key) {
      super("another instance has taken over " + key);
    }
  }

  private final ObjectStore store;
  private final Target target;
  private final Clock clock;
  private final Duration silence;

  /** Held while the state is written; who stores parts never waits for that. */
  private final ReentrantLock saving = new ReentrantLock();

  // guarded by saving
  private UploadState state;
  private String etag;

  // guarded by this
  private final Map<Integer, StoredPart> parts = new TreeMap<>();
  private ObjectStore.Multipart upload;
  private boolean isDirty;

  private volatile long savedAt = System.nanoTime();
  private volatile boolean isOver;
  private volatile boolean isLost;

  private Claim(
      ObjectStore store,
      Target target,
      DownloadSettings settings,
      Clock clock,
      ObjectStore.Multipart upload,
      UploadState state,
      String etag,
      List<StoredPart> stored) {
    this.store = store;
    this.target = target;
    this.clock = clock;
    this.silence = settings.claimSilence();
    this.upload = upload;
    this.state = state;
    this.etag = etag;
    stored.forEach(part -> parts.put(part.number(), part));
    Thread.ofVirtual().name("download-claim").start(this::keep);
  }

  /**
   * Claims a file that nobody is at.
   *
   * @param seen the state of somebody who has left or has not been heard for too long
   * @return nothing when somebody was faster
   */
  static Optional<Claim> take(
      ObjectStore store,
      Target target,
      DownloadSettings settings,
      Clock clock,
      String owner,
      Optional<Seen> seen) {
    return seen.isEmpty()
        ? begin(store, target, settings, clock, owner)
        : goOn(store, target, settings, clock, owner, seen.get());
  }

  /** A state as it was read. */
  record Seen(UploadState state, String etag) {}

  /** Reads a state. */
  static Optional<Seen> look(ObjectStore store, Target target) {
    return store
        .read(target.bucket(), target.stateKey())
        .map(stored -> new Seen(UploadState.parse(stored.bytes()), stored.etag()));
  }

  private static Optional<Claim> begin(
      ObjectStore store, Target target, DownloadSettings settings, Clock clock, String owner) {
    var state =
        new UploadState(
            "",
            target.size(),
            target.partSize(),
            1,
            owner,
            expiry(clock, settings.claimSilence()),
            List.of());
    return store
        .putIfAbsent(target.bucket(), target.stateKey(), Json.bytes(state), JSON)
        .flatMap(etag -> upload(store, target, settings, clock, state, etag));
  }

  private static Optional<Claim> goOn(
      ObjectStore store,
      Target target,
      DownloadSettings settings,
      Clock clock,
      String owner,
      Seen seen) {
    var old = seen.state();
    boolean fits =
        old.hasUpload() && old.fileSize() == target.size() && old.partSize() == target.partSize();
    var upload = store.resumeMultipart(target.bucket(), target.key(), old.uploadId());
    var stored = fits ? stored(target, old, upload.parts()) : List.<StoredPart>of();
    boolean isNew = stored.isEmpty();
    var state =
        new UploadState(
            isNew ? "" : old.uploadId(),
            target.size(),
            target.partSize(),
            old.epoch() + 1,
            owner,
            expiry(clock, settings.claimSilence()),
            stored);
    var etag =
        store.putIfMatch(target.bucket(), target.stateKey(), Json.bytes(state), JSON, seen.etag());
    if (etag.isEmpty()) {
      return Optional.empty();
    }
    if (isNew) {
      abortAll(store, target);
      return upload(store, target, settings, clock, state, etag.get());
    }
    log.info("going on with {}: {} parts are stored", target.key(), stored.size());
    return Optional.of(
        new Claim(store, target, settings, clock, upload, state, etag.get(), stored));
  }

  /**
   * Begins the upload of a file that is claimed. The claim comes first: who stops in between leaves
   * a state, by which the next one knows that there may be an upload that no state names.
   */
  private static Optional<Claim> upload(
      ObjectStore store,
      Target target,
      DownloadSettings settings,
      Clock clock,
      UploadState claimed,
      String etag) {
    var upload = store.startMultipart(target.bucket(), target.key(), BYTES);
    var state = claimed.by(claimed.owner(), claimed.expires(), upload.uploadId(), List.of());
    boolean isNamed = false;
    try {
      var won = store.putIfMatch(target.bucket(), target.stateKey(), Json.bytes(state), JSON, etag);
      isNamed = won.isPresent();
      return won.map(
          newer -> new Claim(store, target, settings, clock, upload, state, newer, List.of()));
    } finally {
      if (!isNamed) {
        upload.abort();
      }
    }
  }

  private static void abortAll(ObjectStore store, Target target) {
    try (var open = store.openUploads(target.bucket(), target.key())) {
      open.filter(upload -> upload.key().equals(target.key()))
          .toList()
          .forEach(
              upload ->
                  store.resumeMultipart(target.bucket(), target.key(), upload.uploadId()).abort());
    }
  }

  /** Removes what is left of the fetch of a blob that counts by now. */
  static void clear(ObjectStore store, Target target) {
    if (look(store, target).isPresent()) {
      abortAll(store, target);
      if (target.isStaged()) {
        store.delete(target.bucket(), target.key());
      }
      store.delete(target.bucket(), target.stateKey());
    }
  }

  /** What the store lists and the right size, with what the state knows of it. */
  private static List<StoredPart> stored(
      Target target, UploadState state, List<UploadedPart> listed) {
    var known = new TreeMap<Integer, StoredPart>();
    state.parts().forEach(part -> known.put(part.number(), part));
    var parts = new ArrayList<StoredPart>();
    for (var part : listed) {
      if (part.number() <= target.parts() && part.size() == target.size(part.number())) {
        var noted = known.get(part.number());
        parts.add(
            noted != null && noted.etag().equals(part.etag())
                ? noted
                : new StoredPart(part.number(), part.etag(), part.size(), -1, List.of()));
      }
    }
    return parts;
  }

  private static Instant expiry(Clock clock, Duration silence) {
    return clock.instant().plus(silence.multipliedBy(FAR_OFF));
  }

  synchronized ObjectStore.Multipart upload() {
    return upload;
  }

  Target target() {
    return target;
  }

  /** Parts with these numbers are to be stored once more. */
  synchronized void forget(Set<Integer> unwanted) {
    isDirty |= parts.keySet().removeAll(unwanted);
  }

  /**
   * Whether the store lists the very parts that were stored. Where not they are forgotten: a former
   * holder who slept may have written over them.
   */
  boolean agrees() {
    confirm();
    var listed = new TreeMap<Integer, UploadedPart>();
    upload().parts().forEach(part -> listed.put(part.number(), part));
    var others =
        parts().stream()
            .filter(
                part -> {
                  var there = listed.get(part.number());
                  return there == null
                      || !there.etag().equals(part.etag())
                      || there.size() != part.size();
                })
            .map(StoredPart::number)
            .collect(Collectors.toSet());
    if (!others.isEmpty()) {
      log.warn("parts {} of {} are not those that were stored", others, target.key());
      forget(others);
      if (listed.isEmpty()) {
        startAnew(_ -> List.of());
      }
    }
    return others.isEmpty();
  }

  /**
   * Makes an upload of a joined object again. The object stays where it is until another one is
   * joined in its place: without its marker it does not count, and who removed it might, after a
   * long sleep, remove the right one that somebody else has published.
   *
   * @param bad numbers of parts to leave out
   * @param buffer for one part
   */
  void takeApart(Set<Integer> bad, byte[] buffer) {
    startAnew(
        next -> {
          var copied = new ArrayList<StoredPart>();
          for (var part : parts()) {
            if (!bad.contains(part.number())) {
              int size = target.size(part.number());
              read(target.offset(part.number()), size, buffer);
              var etag = next.part(part.number(), buffer, size).etag();
              copied.add(new StoredPart(part.number(), etag, size, part.crc32c(), part.sources()));
            }
          }
          return copied;
        });
  }

  /** Goes on in a new upload, of which this gives the first parts. */
  private void startAnew(Function<ObjectStore.Multipart, List<StoredPart>> filled) {
    var next = store.startMultipart(target.bucket(), target.key(), BYTES);
    boolean isNamed = false;
    try {
      var first = filled.apply(next);
      saving.lock();
      try {
        write(state.owner(), next.uploadId(), first);
        throwIfLost();
        synchronized (this) {
          upload = next;
          parts.clear();
          first.forEach(part -> parts.put(part.number(), part));
        }
      } finally {
        saving.unlock();
      }
      isNamed = true;
    } finally {
      if (!isNamed) {
        next.abort();
      }
    }
  }

  private void read(long offset, int size, byte[] buffer) {
    try (var in = store.open(target.bucket(), target.key(), offset, size)) {
      in.readNBytes(buffer, 0, size);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  synchronized List<StoredPart> parts() {
    return List.copyOf(parts.values());
  }

  /** A part lies in the store. */
  synchronized void stored(StoredPart part) {
    parts.put(part.number(), part);
    isDirty = true;
  }

  /**
   * Makes sure that it still holds: who was heard a moment ago is not taken over.
   *
   * @throws Lost when it does not
   */
  void confirm() {
    throwIfLost();
    if (System.nanoTime() - savedAt > silence.toNanos() / 8) {
      save();
      throwIfLost();
    }
  }

  /** Whether somebody else holds it by now. */
  boolean isGone() {
    try {
      confirm();
      return false;
    } catch (Lost e) {
      return true;
    }
  }

  /** Joins the parts. */
  void complete() {
    confirm();
    var named =
        parts().stream().map(p -> new UploadedPart(p.number(), p.etag(), p.size())).toList();
    upload().complete(named);
  }

  /** Lets somebody else go on from here. */
  void release() {
    saving.lock();
    boolean interrupted = Thread.interrupted();
    try {
      if (!isOver && !isLost) {
        write("", state.uploadId(), parts());
      }
    } catch (ObjectStoreException e) {
      log.info("the claim to {} could not be given back: {}", target.key(), e.getMessage());
    } finally {
      isOver = true;
      saving.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** It is done: nothing is left of it. */
  void finish() {
    saving.lock();
    try {
      if (!isLost) {
        store.delete(target.bucket(), target.stateKey());
      }
      isOver = true;
    } finally {
      saving.unlock();
    }
  }

  /** Nothing of it is worth keeping. */
  void discard() {
    confirm();
    upload().abort();
    finish();
  }

  private void throwIfLost() {
    if (isLost) {
      throw new Lost(target.key());
    }
  }

  private void save() {
    saving.lock();
    try {
      if (!isOver && !isLost) {
        write(state.owner(), state.uploadId(), parts());
      }
    } finally {
      saving.unlock();
    }
  }

  private void write(String owner, String uploadId, List<StoredPart> known) {
    synchronized (this) {
      isDirty = false;
    }
    var next = state.by(owner, expiry(clock, silence), uploadId, known);
    long now = System.nanoTime();
    boolean isWritten = false;
    try {
      var won = store.putIfMatch(target.bucket(), target.stateKey(), Json.bytes(next), JSON, etag);
      isWritten = true;
      if (won.isPresent()) {
        state = next;
        etag = won.get();
        savedAt = now;
      } else {
        isLost = true;
        log.warn("another instance has taken over {}", target.key());
      }
    } finally {
      if (!isWritten) {
        synchronized (this) {
          isDirty = true;
        }
      }
    }
  }

  private void keep() {
    try {
      while (!isOver && !isLost) {
        Thread.sleep(Math.clamp(silence.toMillis() / 8, 1, LOOK_MILLIS));
        long age = System.nanoTime() - savedAt;
        if (age > silence.toNanos() / 4 || (age > SAVE_NANOS && isDirty())) {
          try {
            save();
          } catch (ObjectStoreException e) {
            log.debug("the state of {} was not written: {}", target.key(), e.getMessage());
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isDirty() {
    return isDirty;
  }

  @Nullable Lost lost() {
    return isLost ? new Lost(target.key()) : null;
  }
}
