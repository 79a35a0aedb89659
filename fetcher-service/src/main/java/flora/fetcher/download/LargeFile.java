package flora.fetcher.download;

import flora.fetcher.download.UploadState.StoredPart;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that goes into the store in parts while it comes. Parts are fetched in any order, stored
 * as soon as they are complete, and hashed in order by the thread that runs this; a part's memory
 * is free when both is done. What was stored before a restart cannot be hashed in passing: then the
 * joined object is read back once. The marker, without which a blob does not count, comes last in
 * either case.
 */
final class LargeFile extends FileTask {

  private static final Logger log = LoggerFactory.getLogger(LargeFile.class);
  private static final long LOOK_MILLIS = 500;

  private final ObjectStore store;
  private final Archive archive;
  private final Engine engine;
  private final String owner;
  private final long order;
  private final Claim.Target target;

  // guarded by this
  private final Map<Integer, Part> complete = new HashMap<>();
  private final Map<Integer, Part> unhashed = new HashMap<>();
  private final Set<Integer> stored = new HashSet<>();
  private Set<String> avoided = Set.of();
  private @Nullable Claim claim;
  private @Nullable RuntimeException failure;
  private boolean isHashing;
  private int next = 1;
  private boolean isOpen;

  private long counted;

  LargeFile(
      RepoCopies copies,
      HubFile file,
      Job job,
      ObjectStore store,
      Engine engine,
      String owner,
      long order) {
    super(copies, file, job, engine.settings().policy());
    this.store = store;
    this.archive = new Archive(store);
    this.engine = engine;
    this.owner = owner;
    this.order = order;
    var sha256 = file.sha256();
    this.target =
        new Claim.Target(
            bucket,
            sha256 == null
                ? StoreLayout.staged(Objects.requireNonNull(file.gitSha1()))
                : StoreLayout.blob(sha256),
            StoreLayout.upload(
                sha256 == null ? Objects.requireNonNull(file.gitSha1()) : sha256.hex()),
            file.size(),
            DownloadSettings.partSize(file.size()));
  }

  /** What came of it. */
  record Outcome(Verified verified, boolean isNew) {}

  /** Fetches it, or waits while somebody else does. */
  Outcome run() throws InterruptedException {
    String seenEtag = "";
    long seenSince = 0;
    while (true) {
      var found = archive.find(bucket, file);
      if (found.isPresent()) {
        count(file.size());
        return new Outcome(found.get(), false);
      }
      var seen = Claim.look(store, target);
      var etag = seen.map(Claim.Seen::etag).orElse("");
      if (!etag.equals(seenEtag)) {
        seenEtag = etag;
        seenSince = System.nanoTime();
      }
      if (seen.isEmpty() || seen.get().state().isFree() || isSilent(seen.get(), seenSince)) {
        var taken = Claim.take(store, target, engine.settings(), engine.clock(), owner, seen);
        if (taken.isPresent()) {
          try {
            return new Outcome(fetch(taken.get()), true);
          } catch (Claim.Lost e) {
            log.info("{}; waiting for it", e.getMessage());
          } finally {
            taken.get().release();
          }
        }
        continue;
      }
      count(seen.get().state().storedBytes());
      Thread.sleep(LOOK_MILLIS);
    }
  }

  /** By our own watch; by the owner's clock only when it is far behind, since clocks differ. */
  private boolean isSilent(Claim.Seen seen, long since) {
    var silence = engine.settings().claimSilence();
    return System.nanoTime() - since > silence.toNanos()
        || seen.state().heardAt().plus(silence.multipliedBy(6)).isBefore(engine.clock().instant());
  }

  /** Sets what this file has on the meter beside what is being fetched. */
  private void count(long bytes) {
    job.meter.present(bytes - counted);
    counted = bytes;
  }

  private Verified fetch(Claim taken) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      var digests = new Digests(file);
      boolean isHashed = bring(taken, digests);
      if (!isHashed) {
        taken.complete();
        readBack(digests, taken.parts());
      }
      if (digests.areRight()) {
        if (isHashed) {
          taken.complete();
        }
        return publish(taken, digests);
      }
      if (!isHashed) {
        store.delete(bucket, target.key());
      }
      startOver(taken, digests, attempt);
    }
  }

  /** Gets all parts into the store; whether all of them were hashed in passing. */
  private boolean bring(Claim taken, Digests digests) throws InterruptedException {
    open(taken);
    boolean isHashed = isHashing;
    try {
      engine.board().add(order, this);
      if (isHashed) {
        hash(digests);
      }
      awaitStored();
      return isHashed;
    } finally {
      close();
    }
  }

  /**
   * Wrong bytes: none of them is kept, and who gave them is not asked again if there are others.
   */
  private void startOver(Claim taken, Digests digests, int attempt) {
    var culprits = new TreeSet<String>();
    taken.parts().forEach(part -> culprits.addAll(part.sources()));
    for (var culprit : culprits) {
      job.mismatched(this, culprit, digests.expected(), digests.received());
      var source = source(culprit);
      if (source != null && culprits.size() == 1) {
        source.lied("%s has %s".formatted(file.path(), digests.received()));
      }
    }
    job.meter.lost(file.size() - counted);
    boolean others = sourceNames().stream().anyMatch(name -> !culprits.contains(name));
    if (attempt > 1 && !others) {
      taken.discard();
      throw new TransferException.ChecksumMismatch(
          copies.listing().repo(),
          file.path(),
          String.join(", ", culprits),
          digests.expected(),
          digests.received());
    }
    log.warn("{} has {}, expected {}", file.path(), digests.received(), digests.expected());
    synchronized (this) {
      avoided = others ? Set.copyOf(culprits) : Set.of();
    }
    taken.restart();
  }

  private Verified publish(Claim taken, Digests digests) {
    var sha256 = digests.sha256();
    if (file.sha256() == null) {
      store.copy(bucket, target.key(), bucket, StoreLayout.blob(sha256));
    }
    var verified =
        new Verified(
            sha256,
            file.size(),
            digests.verifiedBy(),
            mainSource(taken.parts()),
            Instant.now(engine.clock()));
    archive.mark(bucket, file, verified);
    if (file.sha256() == null) {
      store.delete(bucket, target.key());
    }
    taken.finish();
    return verified;
  }

  /** Who gave most of the parts. */
  private String mainSource(List<StoredPart> parts) {
    var bytes = new TreeMap<String, Long>();
    parts.forEach(
        part ->
            part.sources().stream()
                .findFirst()
                .ifPresent(name -> bytes.merge(name, part.size(), Long::sum)));
    return bytes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElseGet(() -> sourceNames().isEmpty() ? "store" : sourceNames().getFirst());
  }

  private synchronized void open(Claim taken) {
    var there = taken.parts();
    claim = taken;
    stored.clear();
    complete.clear();
    unhashed.clear();
    there.forEach(part -> stored.add(part.number()));
    count(there.stream().mapToLong(StoredPart::size).sum());
    isHashing = stored.isEmpty();
    next = 1;
    isOpen = true;
  }

  private void close() {
    synchronized (this) {
      isOpen = false;
    }
    engine.board().remove(this);
    for (var part : closeAll()) {
      free(part);
    }
    List<Part> left;
    synchronized (this) {
      left = List.copyOf(unhashed.values());
      unhashed.clear();
    }
    left.forEach(this::free);
  }

  @Override
  synchronized @Nullable Part begin() {
    while (next <= target.parts() && stored.contains(next)) {
      next++;
    }
    if (!isOpen || next > target.parts()) {
      return null;
    }
    var memory = engine.buffers().tryClaim(target.size(next));
    if (memory == null) {
      return null;
    }
    var part = new Part(this, next, target.offset(next), memory.length, avoided);
    part.begin(memory);
    next++;
    return part;
  }

  @Override
  void complete(Part part) {
    close(part);
    synchronized (this) {
      complete.put(part.number, part);
      if (isHashing) {
        unhashed.put(part.number, part);
        job.waitingForHash.incrementAndGet();
      }
      notifyAll();
    }
    engine.storing().submit(job, part.size, () -> store(part), this::fail);
  }

  private void store(Part part) {
    Claim to;
    synchronized (this) {
      to = claim;
      if (to == null || !isOpen) {
        return;
      }
    }
    var lost = to.lost();
    if (lost != null) {
      throw lost;
    }
    var bytes = part.bytes();
    var crc = new CRC32C();
    crc.update(bytes, 0, part.size);
    var uploaded = to.upload().part(part.number, bytes, part.size);
    to.stored(
        new StoredPart(
            part.number,
            uploaded.etag(),
            part.size,
            crc.getValue(),
            part.bytesBySource().entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .map(Map.Entry::getKey)
                .toList()));
    boolean isFree;
    synchronized (this) {
      stored.add(part.number);
      isFree = !unhashed.containsKey(part.number);
      notifyAll();
    }
    if (isFree) {
      free(part);
    }
  }

  private void free(Part part) {
    var memory = part.end();
    if (memory != null) {
      engine.buffers().release(memory);
      engine.board().changed();
    }
  }

  private void hash(Digests digests) throws InterruptedException {
    for (int number = 1; number <= target.parts(); number++) {
      var part = awaitComplete(number);
      digests.update(part.bytes(), 0, part.size);
      job.waitingForHash.decrementAndGet();
      boolean isFree;
      synchronized (this) {
        unhashed.remove(number);
        complete.remove(number);
        isFree = stored.contains(number);
      }
      if (isFree) {
        free(part);
      }
    }
  }

  private synchronized Part awaitComplete(int number) throws InterruptedException {
    while (true) {
      throwFailure();
      var part = complete.get(number);
      if (part != null) {
        return part;
      }
      wait(1000);
    }
  }

  private synchronized void awaitStored() throws InterruptedException {
    while (stored.size() < target.parts()) {
      throwFailure();
      wait(1000);
    }
  }

  private void throwFailure() {
    var known = failure;
    var held = claim;
    var lost = held == null ? null : held.lost();
    if (lost != null) {
      throw lost;
    }
    if (known != null) {
      throw known;
    }
  }

  private void readBack(Digests digests, List<StoredPart> parts) throws InterruptedException {
    var known = new TreeMap<Long, StoredPart>();
    parts.forEach(part -> known.put(target.offset(part.number()), part));
    var buffer = new byte[256 << 10];
    var crc = new CRC32C();
    try (var in = store.open(bucket, target.key())) {
      for (var part : known.values()) {
        crc.reset();
        for (long left = part.size(); left > 0; ) {
          int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
          if (n < 0) {
            return; // shorter than it should be: the digest will say so
          }
          digests.update(buffer, 0, n);
          crc.update(buffer, 0, n);
          left -= n;
        }
        if (Thread.interrupted()) {
          throw new InterruptedException("stopped while reading back");
        }
        if (part.crc32c() >= 0 && part.crc32c() != crc.getValue()) {
          log.warn("part {} of {} is not what was stored there", part.number(), target.key());
        }
      }
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Override
  synchronized void fail(RuntimeException e) {
    if (failure == null) {
      failure = e;
    }
    notifyAll();
  }
}
