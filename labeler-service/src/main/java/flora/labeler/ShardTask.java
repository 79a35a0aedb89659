package flora.labeler;

import flora.labeler.dataset.SharedPlan.Part;
import flora.labeler.spool.JsonLines;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Entry;
import flora.labeler.work.Shard;
import flora.schemas.RunId;
import flora.store.Claim;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Works on a part of a labelling while its claim is held. */
final class ShardTask {

  private static final Logger log = LoggerFactory.getLogger(ShardTask.class);

  /** The part is not ours any more, or nobody wants it: what was done of it is thrown away. */
  static final class ClaimLost extends RuntimeException {
    ClaimLost(RunId run, int shard) {
      super(
          "part %d of %s belongs to another by now, or to nobody".formatted(shard, run),
          null,
          false,
          false);
    }
  }

  private final ObjectStore store;
  private final Clock clock;
  private final String owner;
  private final Duration validFor;

  /**
   * Work.
   *
   * @param owner this process
   * @param validFor how long it may be silent before another takes its part
   */
  ShardTask(ObjectStore store, Clock clock, String owner, Duration validFor) {
    this.store = store;
    this.clock = clock;
    this.owner = owner;
    this.validFor = validFor;
  }

  /**
   * Does a part, unless it is done or somebody else has it.
   *
   * @param counted told how many pictures of it have been looked at
   * @param proceed called between pictures; throws to stop
   * @return whether it was done here
   */
  boolean run(
      RunId run,
      int number,
      Part part,
      Labelling.Job job,
      WorkFolder work,
      LongConsumer counted,
      Runnable proceed)
      throws InterruptedException {
    var shard = new Shard(store, run, number);
    var claim = shard.claim(clock, owner, validFor);
    if (claim.isEmpty()) {
      return false;
    }
    var lost = new AtomicBoolean();
    var keeper = Thread.ofVirtual().name("claim").start(() -> keep(claim.get(), lost));
    try {
      if (shard.done().isPresent()) {
        return false;
      }
      var entries = new ArrayList<Entry>();
      JsonLines.read(store, part.pictures(), Entry.class, entries::add);
      var file = work.file("rows");
      long count;
      try (var rows = JsonLines.to(file)) {
        job.run(
            entries,
            row -> {
              rows.add(row);
              counted.accept(rows.count());
            },
            () -> {
              if (lost.get()) {
                throw new ClaimLost(run, number);
              }
              proceed.run();
            });
        count = rows.count();
      }
      shard.finish(file, count, owner);
      return true;
    } finally {
      keeper.interrupt();
      keeper.join();
      release(claim.get(), lost.get());
    }
  }

  private void keep(Claim claim, AtomicBoolean lost) {
    try {
      while (!lost.get()) {
        Thread.sleep(validFor.dividedBy(3));
        try {
          lost.set(!claim.renew());
        } catch (ObjectStoreException e) {
          log.warn("a claim could not be renewed: {}", e.getMessage());
        }
      }
    } catch (InterruptedException e) {
      // the work is over
    }
  }

  private static void release(Claim claim, boolean lost) {
    if (!lost) {
      try {
        claim.release();
      } catch (ObjectStoreException e) {
        log.warn("a claim was left to run out: {}", e.getMessage());
      }
    }
  }
}
