package flora.fetcher.download;

import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import java.time.Clock;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A file that is checked in memory before any of it is stored: one part. Wrong bytes are thrown
 * away and fetched from another source, or once more where there is no other. When several had a
 * hand in them, one of these gives the file alone: what comes then tells who was wrong.
 */
final class SmallFile extends FileTask {

  private final Archive archive;
  private final Board board;
  private final PartBuffers buffers;
  private final Storing storing;
  private final Clock clock;
  private final Consumer<Verified> done;

  // guarded by this
  private final Set<String> liars = new TreeSet<>();
  private final Set<String> mixed = new TreeSet<>();
  private @Nullable String alone;
  private @Nullable Digests wrong;
  private boolean isLastTry;
  private boolean begun;
  private boolean over;

  SmallFile(
      RepoCopies copies,
      HubFile file,
      Job job,
      Archive archive,
      Engine engine,
      Consumer<Verified> done) {
    super(copies, file, job, new Tally(job.meter), engine.settings().policy());
    this.archive = archive;
    this.board = engine.board();
    this.buffers = engine.buffers();
    this.storing = engine.storing();
    this.clock = engine.clock();
    this.done = done;
  }

  static boolean fits(HubFile file) {
    return file.size() <= DownloadSettings.PART;
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
    var part = new Part(this, 1, 0, memory.length);
    part.begin(memory);
    return part;
  }

  @Override
  void complete(Part part, String source) {
    close(part);
    storing.submit(job, part.size, () -> check(part, part.bytes()), this::fail, () -> free(part));
  }

  /** A file of no bytes needs nobody to fetch it. */
  void store() {
    var nothing = new Part(this, 1, 0, 0);
    storing.submit(job, 0, () -> check(nothing, new byte[0]), this::fail, () -> {});
  }

  private void check(Part part, byte[] bytes) {
    var givers = part.givers();
    var digests = new Digests(file);
    digests.update(bytes, 0, bytes.length);
    if (digests.areRight()) {
      // nobody had to give no bytes
      var source = givers.isEmpty() ? "store" : givers.getFirst();
      var verified =
          new Verified(
              digests.sha256(), file.size(), digests.verifiedBy(), source, Instant.now(clock));
      archive.put(bucket, verified.sha256(), bytes);
      var marked = archive.mark(bucket, file, verified);
      convict(givers);
      board.remove(this);
      done.accept(marked);
    } else {
      tally.set(0);
      mismatched(givers, digests);
    }
  }

  /** Of two who gave a wrong file together one has given the right one alone: it was the other. */
  private synchronized void convict(List<String> innocent) {
    mixed.removeAll(innocent);
    mixed.removeAll(liars);
    var last = wrong;
    if (innocent.size() == 1 && mixed.size() == 1 && last != null) {
      blame(mixed.iterator().next(), last);
    }
  }

  private void blame(String liar, Digests received) {
    if (liars.add(liar)) {
      job.mismatched(copies, file, liar, received.received());
      copies.sources(file).stream()
          .filter(source -> source.name().equals(liar))
          .forEach(source -> source.lied(file.path() + " has " + received.received()));
    }
  }

  private void mismatched(List<String> givers, Digests received) {
    boolean isOver;
    synchronized (this) {
      wrong = received;
      alone = null;
      if (givers.size() == 1) {
        blame(givers.getFirst(), received);
      } else {
        mixed.addAll(givers);
      }
      // nobody gave an empty file, so nobody can give a better one
      isOver = givers.isEmpty() || isLastTry || !again(Set.of());
    }
    if (isOver) {
      fail(
          new TransferException.ChecksumMismatch(
              copies.listing().repo(),
              file.path(),
              givers.isEmpty() ? "a list" : String.join(", ", givers),
              received.expected(),
              received.received()));
    } else {
      board.changed();
    }
  }

  /** Sets out once more, with one of those who were wrong together or with everybody else. */
  private boolean again(Set<String> unable) {
    var able = copies.sources(file).stream().map(FileSource::name).collect(Collectors.toSet());
    able.removeAll(liars);
    able.removeAll(unable);
    if (able.isEmpty()) {
      isLastTry = true;
      // who is alone may have had a bad moment
      if (liars.size() > 1 || !unable.isEmpty()) {
        return false;
      }
      avoid(Set.of());
    } else {
      alone = mixed.stream().filter(able::contains).findFirst().orElse(null);
      var avoided = new HashSet<>(liars);
      avoided.addAll(unable);
      if (alone != null) {
        avoided.addAll(able);
        avoided.remove(alone);
      }
      avoid(avoided);
    }
    begun = false;
    return true;
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
    closeAll().forEach(this::free);
    boolean isOver;
    synchronized (this) {
      var tried = alone;
      boolean isOfSources = e instanceof HubException || e instanceof TransferException.AllFailed;
      mixed.clear();
      alone = null;
      isOver = tried == null || !isOfSources || !again(Set.of(tried));
      over |= isOver;
    }
    if (isOver) {
      job.fail(e);
      board.remove(this);
    }
  }

  /** Nobody wants it any more. */
  void cancel() {
    synchronized (this) {
      over = true;
    }
    board.remove(this);
    closeAll().forEach(this::free);
  }
}
