package flora.fetcher.download;

import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import java.time.Clock;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A file that is checked in memory before any of it is stored: one part, fetched with one request.
 * Wrong bytes are thrown away and fetched from another source, or once more where there is no
 * other.
 */
final class SmallFile extends FileTask {

  private final Archive archive;
  private final Board board;
  private final PartBuffers buffers;
  private final Storing storing;
  private final Clock clock;
  private final Consumer<Verified> done;
  private final Set<String> liars = new HashSet<>();
  private int mismatches;
  private boolean begun;
  private boolean over;

  SmallFile(
      RepoCopies copies,
      HubFile file,
      Job job,
      Archive archive,
      Engine engine,
      Consumer<Verified> done) {
    super(copies, file, job, engine.settings().policy());
    this.archive = archive;
    this.board = engine.board();
    this.buffers = engine.buffers();
    this.storing = engine.storing();
    this.clock = engine.clock();
    this.done = done;
  }

  @Override
  synchronized @Nullable Part begin() {
    if (begun || over) {
      return null;
    }
    var memory = buffers.tryClaim((int) file.size());
    if (memory == null) {
      return null;
    }
    begun = true;
    var part = new Part(this, 1, 0, memory.length, Set.copyOf(liars));
    part.begin(memory);
    return part;
  }

  @Override
  void complete(Part part) {
    close(part);
    storing.submit(job, part.size, () -> check(part, part.bytes()), this::fail);
  }

  /** A file of no bytes needs nobody to fetch it. */
  void store() {
    storing.submit(job, 0, () -> check(new Part(this, 1, 0, 0, Set.of()), new byte[0]), this::fail);
  }

  private void check(Part part, byte[] bytes) {
    var source =
        part.bytesBySource().keySet().stream()
            .findFirst()
            .orElseGet(() -> sourceNames().getFirst());
    var digests = new Digests(file);
    digests.update(bytes, 0, bytes.length);
    if (digests.areRight()) {
      var verified =
          new Verified(
              digests.sha256(), file.size(), digests.verifiedBy(), source, Instant.now(clock));
      store(verified, bytes);
      free(part);
      board.remove(this);
      done.accept(verified);
    } else {
      job.meter.lost(bytes.length);
      mismatched(part, digests);
    }
  }

  private void store(Verified verified, byte[] bytes) {
    archive.put(bucket, verified.sha256(), bytes);
    archive.mark(bucket, file, verified);
  }

  private void mismatched(Part part, Digests digests) {
    var culprits = part.bytesBySource().keySet();
    for (var culprit : culprits) {
      job.mismatched(this, culprit, digests.expected(), digests.received());
      var source = source(culprit);
      if (source != null) {
        source.lied("%s has %s".formatted(file.path(), digests.received()));
      }
    }
    free(part);
    boolean others = sourceNames().stream().anyMatch(name -> !isLiar(name, culprits));
    synchronized (this) {
      mismatches++;
      if (others) {
        liars.addAll(culprits);
      }
      if (others || mismatches < 2) {
        begun = false;
      }
    }
    if (others || mismatches < 2) {
      board.changed();
    } else {
      fail(
          new TransferException.ChecksumMismatch(
              copies.listing().repo(),
              file.path(),
              String.join(", ", culprits),
              digests.expected(),
              digests.received()));
    }
  }

  private synchronized boolean isLiar(String name, Set<String> culprits) {
    return liars.contains(name) || culprits.contains(name);
  }

  private void free(Part part) {
    var memory = part.end();
    if (memory != null) {
      buffers.release(memory);
      board.changed();
    }
  }

  @Override
  void fail(RuntimeException e) {
    synchronized (this) {
      over = true;
    }
    job.fail(e);
    board.remove(this);
    closeAll().forEach(this::free);
  }

  /** Nobody wants it any more. */
  void cancel() {
    synchronized (this) {
      over = true;
    }
    board.remove(this);
    closeAll().forEach(this::free);
  }

  static boolean fits(HubFile file) {
    return file.size() <= DownloadSettings.PART;
  }
}
