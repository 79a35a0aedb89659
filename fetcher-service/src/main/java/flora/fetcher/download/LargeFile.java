package flora.fetcher.download;

import flora.fetcher.download.Inquiry.Refetch;
import flora.fetcher.download.UploadState.StoredPart;
import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that goes into the store in parts while it comes. Whoever has claimed its upload brings
 * the parts that are missing, all others wait for that. The whole is checked before the parts are
 * joined where it was hashed in passing, and by reading the joined object back where not; the
 * marker, without which a blob does not count, comes last in either case. When the whole is wrong
 * an {@link Inquiry} finds the parts to replace.
 */
final class LargeFile {

  private static final Logger log = LoggerFactory.getLogger(LargeFile.class);
  private static final long LOOK_MILLIS = 500;
  private static final int MOST_ATTEMPTS = 3;
  private static final Optional<ObjectInfo> NOTHING = Optional.empty();

  private final RepoCopies copies;
  private final HubFile file;
  private final Job job;
  private final Tally tally;
  private final ObjectStore store;
  private final Archive archive;
  private final Engine engine;
  private final String owner;
  private final long order;
  private final Target target;
  private final Evidence evidence = new Evidence();
  private final Set<String> blamed = new HashSet<>();
  private int disturbances;

  /**
   * @param owner who claims it
   * @param order lower ones are fetched first
   */
  LargeFile(
      RepoCopies copies,
      HubFile file,
      Job job,
      ObjectStore store,
      Engine engine,
      String owner,
      long order) {
    this.copies = copies;
    this.file = file;
    this.job = job;
    this.tally = new Tally(job.meter);
    this.store = store;
    this.archive = new Archive(store);
    this.engine = engine;
    this.owner = owner;
    this.order = order;
    this.target = Target.of(Archive.bucket(copies.listing().type()), file);
  }

  /** What came of it. */
  record Outcome(Verified verified, boolean isNew) {}

  /** Fetches it, or waits while somebody else does. */
  Outcome run() throws InterruptedException {
    var outcome = take(Optional.empty()); // mostly nobody has begun it: no need to look first
    String seenEtag = "";
    long seenSince = 0;
    while (outcome == null) {
      var found = archive.find(target.bucket(), file);
      if (found.isPresent()) {
        Claim.clear(store, target);
        tally.set(file.size());
        return new Outcome(found.get(), false);
      }
      var seen = Claim.look(store, target);
      var etag = seen.map(Claim.Seen::etag).orElse("");
      if (!etag.equals(seenEtag)) {
        seenEtag = etag;
        seenSince = System.nanoTime();
      }
      if (seen.isPresent() && isHeld(seen.get().state(), System.nanoTime() - seenSince)) {
        tally.set(seen.get().state().storedBytes());
        Thread.sleep(LOOK_MILLIS);
        continue;
      }
      outcome = take(seen);
    }
    return outcome;
  }

  private @Nullable Outcome take(Optional<Claim.Seen> seen) throws InterruptedException {
    var taken =
        patiently(() -> Claim.take(store, target, engine.settings(), engine.clock(), owner, seen));
    return taken.isPresent() ? hold(taken.get()) : null;
  }

  /** Clocks differ: who fetches is watched by our own, and the time that it gave is far off. */
  private boolean isHeld(UploadState state, long silentNanos) {
    boolean isHeard = silentNanos < engine.settings().claimSilence().toNanos();
    boolean isOurs = state.owner().equals(owner); // had it been begun we would not be looking
    return !state.isFree()
        && !isOurs
        && isHeard
        && state.expires().isAfter(engine.clock().instant());
  }

  /** Fetches it, or returns null when somebody else has come between. */
  private @Nullable Outcome hold(Claim claim) throws InterruptedException {
    try {
      // whoever held it before may have finished since we looked
      var found = archive.find(target.bucket(), file);
      if (found.isPresent()) {
        claim.discard();
        tally.set(file.size());
        return new Outcome(found.get(), false);
      }
      var verified = fetch(claim);
      tally.set(file.size());
      return new Outcome(verified, true);
    } catch (Claim.Lost e) {
      log.info("{}; waiting for it", e.getMessage());
      return null;
    } catch (ObjectStoreException.NotFound | ObjectStoreException.Rejected e) {
      // the upload is not what it was: the next holder has finished it, or a former one woke up
      if (!claim.isGone() && ++disturbances == MOST_ATTEMPTS) {
        throw e;
      }
      log.info("{} is looked at again: {}", target.key(), e.getMessage());
      return null;
    } finally {
      claim.release();
    }
  }

  private Verified fetch(Claim claim) throws InterruptedException {
    var leftOver = leftOver(claim);
    if (leftOver != null) {
      claim.upload().abort();
      return patiently(() -> publish(claim, leftOver));
    }
    var inquiry = new Inquiry(copies.listedBy().orElse(""));
    var expected = Digests.expected(file);
    var received = "other bytes";
    var next = Optional.of(Refetch.NOTHING);
    while (next.isPresent()) {
      var refetch = next.get();
      claim.forget(refetch.parts());
      try {
        var digests = assemble(claim, inquiry, refetch.avoided());
        if (digests != null && digests.areRight()) {
          blame(evidence.contradicted(), received);
          claim.parts().forEach(part -> engine.proven().addAll(part.sources()));
          engine.proven().removeAll(blamed);
          return patiently(() -> publish(claim, digests));
        }
        received = digests == null ? received : digests.received();
        log.warn("{} has {}, expected {}", file.path(), received, expected);
        next = inquiry.next(claim.parts(), usable());
        blame(inquiry.wrongAlone(), received);
      } catch (HubException | TransferException.AllFailed e) {
        if (refetch.avoided().isEmpty()) {
          throw e;
        }
        log.info("the other sources do not have {}: {}", file.path(), e.getMessage());
        next = inquiry.failed(refetch, usable());
      }
    }
    throw givenUp(claim, inquiry, expected, received);
  }

  /**
   * Brings what is missing and checks the whole. When it is right the parts are joined, when not
   * they lie in an open upload.
   *
   * @return null when it is the same whole that was wrong before
   */
  private @Nullable Digests assemble(Claim claim, Inquiry inquiry, Set<String> avoided)
      throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      var digests = new Digests(file);
      var task = new PartsTask(copies, file, job, tally, engine, order, claim, evidence, avoided);
      boolean isHashed = task.run(digests);
      inquiry.doubt(task.doubted());
      if (!isHashed && !inquiry.isNews(claim.parts())) {
        return null;
      }
      if (isHashed && !digests.areRight()) {
        return digests;
      }
      if (!join(claim)) {
        continue;
      }
      if (isHashed) {
        return digests;
      }
      var bad = readBack(digests, claim.parts());
      if (digests.areRight()) {
        return digests;
      }
      takeApart(claim, bad);
      if (bad.isEmpty() || attempt == MOST_ATTEMPTS) {
        return digests;
      }
      log.warn("parts {} of {} are not what was stored there", bad, target.key());
    }
  }

  /**
   * Joins the parts.
   *
   * @return whether they were those that were stored; where not it is known now which are missing
   */
  private boolean join(Claim claim) throws InterruptedException {
    try {
      complete(claim);
      return true;
    } catch (ObjectStoreException.NotFound | ObjectStoreException.Rejected e) {
      if (patiently(claim::agrees)) {
        throw e;
      }
      return false;
    }
  }

  private void complete(Claim claim) throws InterruptedException {
    patiently(
        () -> {
          // an import or a conversion may have been quicker: what counts is not written over
          if (archive.find(target.bucket(), file).isPresent()) {
            throw new Claim.Lost(target.key());
          }
          claim.complete();
          return true;
        });
  }

  private <T> T patiently(Room.Write<T> write) throws InterruptedException {
    return engine.storing().patiently(job, write);
  }

  /** The joined object without its marker that somebody left who got no further. */
  private @Nullable Digests leftOver(Claim claim) throws InterruptedException {
    var there = claim.parts().isEmpty() ? store.head(target.bucket(), target.key()) : NOTHING;
    if (there.isEmpty()) {
      return null;
    }
    if (there.get().size() == file.size()) {
      var digests = new Digests(file);
      readBack(digests, target.unknownParts());
      if (digests.areRight()) {
        tally.set(file.size());
        return digests;
      }
    }
    return null;
  }

  /** Puts the parts of a wrong object into a new upload, where some of them can be replaced. */
  private void takeApart(Claim claim, Set<Integer> bad) throws InterruptedException {
    var buffer = engine.buffers().claim(target.partSize());
    try {
      patiently(
          () -> {
            claim.takeApart(bad, buffer);
            return true;
          });
    } finally {
      engine.buffers().release(buffer);
    }
  }

  private void blame(Set<String> liars, String received) {
    for (var liar : liars) {
      if (blamed.add(liar)) {
        engine.proven().remove(liar);
        job.mismatched(copies, file, liar, received);
        copies.sources(file).stream()
            .filter(source -> source.name().equals(liar))
            .forEach(source -> source.lied("wrong bytes of " + file.path()));
      }
    }
  }

  private List<String> usable() {
    return copies.sources(file).stream()
        .filter(FileSource::isUsable)
        .map(FileSource::name)
        .toList();
  }

  private TransferException givenUp(
      Claim claim, Inquiry inquiry, String expected, String received) {
    var givers = new TreeSet<>(inquiry.wrongAlone());
    claim.parts().forEach(part -> givers.addAll(part.sources()));
    if (target.isStaged()) {
      store.delete(target.bucket(), target.key());
    } // else an import may be putting the right bytes there; wrong ones are an orphan without a
    // marker
    claim.discard();
    return new TransferException.ChecksumMismatch(
        copies.listing().repo(), file.path(), String.join(", ", givers), expected, received);
  }

  private Verified publish(Claim claim, Digests digests) {
    var sha256 = digests.sha256();
    if (file.sha256() == null) {
      store.copy(target.bucket(), target.key(), target.bucket(), StoreLayout.blob(sha256));
    }
    var verified =
        new Verified(
            sha256,
            file.size(),
            digests.verifiedBy(),
            mainSource(claim.parts()),
            Instant.now(engine.clock()));
    claim.confirm();
    var marked = archive.mark(target.bucket(), file, verified);
    if (file.sha256() == null) {
      store.delete(target.bucket(), target.key());
    }
    claim.finish();
    return marked;
  }

  /** Who gave most of it, {@code store} where nobody knows any more. */
  private static String mainSource(List<StoredPart> parts) {
    var bytes = new TreeMap<String, Long>();
    parts.forEach(
        part ->
            part.sources().stream()
                .findFirst()
                .ifPresent(name -> bytes.merge(name, part.size(), Long::sum)));
    return bytes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse("store");
  }

  /**
   * Reads the joined object.
   *
   * @return numbers of the parts that are not what was stored there
   */
  private Set<Integer> readBack(Digests digests, List<StoredPart> parts)
      throws InterruptedException {
    var bad = new TreeSet<Integer>();
    var buffer = new byte[256 << 10];
    var crc = new CRC32C();
    try (var in = store.open(target.bucket(), target.key())) {
      for (var part : parts) {
        crc.reset();
        for (long left = part.size(); left > 0; ) {
          int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
          if (n < 0) {
            throw new EOFException(target.key() + " ends too early");
          }
          digests.update(buffer, 0, n);
          crc.update(buffer, 0, n);
          left -= n;
        }
        if (Thread.interrupted()) {
          throw new InterruptedException("stopped while reading back");
        }
        if (part.crc32c() >= 0 && part.crc32c() != crc.getValue()) {
          bad.add(part.number());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bad;
  }
}
