package flora.fetcher.download;

import flora.fetcher.download.UploadState.StoredPart;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Brings the parts of a large file that its upload lacks. They are fetched in any order, stored as
 * soon as they are complete, and hashed in order by the thread that runs this; a part's memory is
 * free when both is done. What lies in an open upload cannot be read, so only a file of which
 * nothing was there yet is hashed in passing.
 */
final class PartsTask extends FileTask {

  /** What a range is longer than the one before, to begin with. */
  private static final long STEP = DownloadSettings.PART / 16;

  private final Engine engine;
  private final long order;
  private final Claim claim;
  private final Evidence evidence;
  private final Target target;
  private final boolean isHashing;

  /** Number of the part that sources show the beginning of. */
  private final int tried;

  private final Optional<Trial> trial;

  // guarded by this
  private final Map<Integer, Part> unhashed = new HashMap<>();
  private final Set<Integer> stored = new HashSet<>();
  private @Nullable RuntimeException failure;
  private int next = 1;
  private boolean isOpen = true;

  /** Handed out so far; guarded by the board. */
  private long ranges;

  /**
   * @param order which files come first
   * @param evidence gets to know who gave what
   * @param avoided sources whose bytes are not wanted
   */
  PartsTask(
      RepoCopies copies,
      HubFile file,
      Job job,
      Tally tally,
      Engine engine,
      long order,
      Claim claim,
      Evidence evidence,
      Set<String> avoided) {
    super(copies, file, job, tally, engine.settings().policy());
    this.engine = engine;
    this.order = order;
    this.claim = claim;
    this.evidence = evidence;
    this.target = claim.target();
    avoid(avoided);
    var there = claim.parts();
    there.forEach(part -> stored.add(part.number()));
    tally.set(there.stream().mapToLong(StoredPart::size).sum());
    isHashing = stored.isEmpty();
    var missing =
        IntStream.rangeClosed(1, target.parts()).filter(n -> !stored.contains(n)).boxed().toList();
    tried = missing.isEmpty() ? Trial.NUMBER : missing.get(missing.size() / 2);
    trial =
        missing.size() >= Trial.FEWEST_PARTS && avoided.isEmpty()
            ? Optional.of(
                new Trial(
                    this, target.offset(tried), copies.listedBy().orElse(""), engine.proven()))
            : Optional.empty();
  }

  /** Gets all parts into the store; whether the digests have seen all of them. */
  boolean run(Digests digests) throws InterruptedException {
    try {
      engine.board().add(order, this);
      if (isHashing) {
        hash(digests);
      }
      awaitStored();
      return isHashing;
    } finally {
      end();
    }
  }

  /** Sources that the others contradict. */
  Set<String> doubted() {
    return trial.map(Trial::failed).orElse(Set.of());
  }

  private void end() {
    synchronized (this) {
      isOpen = false;
    }
    engine.board().remove(this);
    closeAll().forEach(this::free);
    List<Part> left;
    synchronized (this) {
      left = List.copyOf(unhashed.values());
      unhashed.clear();
    }
    job.waitingForHash.addAndGet(-left.size());
    left.forEach(this::letGo);
  }

  @Override
  boolean admits(String source, long now) {
    return trial.isEmpty() || trial.get().admits(source, now);
  }

  @Override
  void ignoresRanges(String source) {
    trial.ifPresent(one -> one.exempt(source));
  }

  @Override
  void moved(Part part, String source, long gained) {
    if (part.number == Trial.NUMBER) {
      tally.shown(source, gained);
    } else {
      super.moved(part, source, gained);
    }
  }

  /**
   * The first ranges are each longer than the one before: connections that begin together are not
   * all done, and do not all want the store, together.
   */
  @Override
  @Nullable Slice next(String source, long most) {
    var sample = trial.map(one -> one.next(source)).orElse(null);
    if (sample != null || !admits(source, System.nanoTime())) {
      return sample;
    }
    var slice = super.next(source, Math.min(most, (ranges + 1) * STEP));
    if (slice != null) {
      ranges++;
    }
    return slice;
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
    var part = new Part(this, next, target.offset(next), memory.length);
    part.begin(memory);
    next++;
    return part;
  }

  @Override
  void complete(Part part, String source) {
    if (part.number == Trial.NUMBER) {
      long shown = trial.orElseThrow().came(source, part);
      evidence.showed(tried, new Part.Run(source, 0, Trial.SIZE), shown);
      return;
    }
    close(part);
    synchronized (this) {
      part.hold(1);
      if (isHashing && isOpen) {
        part.hold(1);
        unhashed.put(part.number, part);
        job.waitingForHash.incrementAndGet();
      }
      notifyAll();
    }
    engine.storing().submit(job, part.size, () -> store(part), this::fail, () -> letGo(part));
  }

  private void store(Part part) {
    synchronized (this) {
      if (!isOpen) {
        return;
      }
    }
    var lost = claim.lost();
    if (lost != null) {
      throw lost;
    }
    var bytes = part.bytes();
    var crc = new CRC32C();
    crc.update(bytes, 0, part.size);
    var uploaded = claim.upload().part(part.number, bytes, part.size);
    evidence.gave(part.number, bytes, part.runs());
    claim.stored(
        new StoredPart(part.number, uploaded.etag(), part.size, crc.getValue(), part.givers()));
    synchronized (this) {
      stored.add(part.number);
      notifyAll();
    }
  }

  /** The hash or the store is done with it. */
  private void letGo(Part part) {
    if (part.letGo()) {
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
      synchronized (this) {
        unhashed.remove(number);
      }
      job.waitingForHash.decrementAndGet();
      letGo(part);
    }
  }

  private synchronized Part awaitComplete(int number) throws InterruptedException {
    while (true) {
      throwFailure();
      var part = unhashed.get(number);
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
    var lost = claim.lost();
    if (lost != null) {
      throw lost;
    }
    var known = failure;
    if (known != null) {
      throw known;
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
