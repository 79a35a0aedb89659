package flora.labeler;

import flora.labeler.dataset.Plan;
import flora.labeler.dataset.SharedPlan;
import flora.labeler.spool.JsonLines;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Shard;
import flora.labeler.work.ShardRow;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.LabelShard;
import flora.stage.StageContext;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A labelling in parts, which labelers that have time share with the one that holds the run. Parts
 * are told to everybody on a topic, and that only distributes: the holder takes parts that nobody
 * has, too, so it waits for nobody who may not exist, and loses nothing when a record is lost.
 */
final class SharedLabelling {

  /** More records under way than a share group holds would be waiting in vain. */
  private static final int WAVE = 500;

  private static final Duration LOOK = Duration.ofSeconds(1);

  private final ObjectStore store;
  private final ShardTask task;
  private final Consumer<LabelShard> topic;
  private final int size;

  /**
   * Sharing.
   *
   * @param topic tells everybody of a part; returns when the broker has it
   * @param size pictures of a part; fewer than that are not shared
   */
  SharedLabelling(ObjectStore store, ShardTask task, Consumer<LabelShard> topic, int size) {
    this.store = store;
    this.task = task;
    this.topic = topic;
    this.size = size;
  }

  /** Whether there is enough to look at for more than one. */
  boolean areWorthwhile(Plan plan) {
    return plan.open() > size;
  }

  /** Cuts a plan into parts; nothing when an earlier attempt has left another plan. */
  Optional<SharedPlan> cut(Plan plan, Labelling.Job job, WorkFolder work, StageContext context) {
    return SharedPlan.write(
        store, context.runId(), context.epoch(), plan, job.recipe(), size, work, context::proceed);
  }

  /** Sees to it that every part gets done, and hands over the rows of all of them. */
  void run(
      SharedPlan plan,
      Labelling.Job job,
      WorkFolder work,
      Consumer<ShardRow> rows,
      LabelProgress progress)
      throws InterruptedException {
    var context = progress.context();
    var run = context.runId();
    var request = request(run);
    int all = plan.parts().size();
    int told = 0;
    var done = Shard.allDone(store, run);
    while (done.size() < all) {
      context.proceed();
      for (; told < all && told - below(done, told) < WAVE; told++) {
        if (!done.contains(told)) {
          topic.accept(
              new LabelShard(
                  run, told, all, request, plan.parts().get(told).pictures(), job.recipe()));
        }
      }
      long looked = looked(plan, done);
      progress.tell(looked);
      if (!takeOne(plan, done, run, job, work, progress, looked)) {
        Thread.sleep(LOOK);
      }
      done = Shard.allDone(store, run);
    }
    progress.tell(looked(plan, done));
    for (int number = 0; number < all; number++) {
      context.proceed();
      var result = new Shard(store, run, number).done().orElseThrow();
      JsonLines.read(store, result.rows(), ShardRow.class, rows);
    }
  }

  /** Others begin at the front, so this begins at the back. */
  private boolean takeOne(
      SharedPlan plan,
      Set<Integer> done,
      RunId run,
      Labelling.Job job,
      WorkFolder work,
      LabelProgress progress,
      long looked)
      throws InterruptedException {
    for (int number = plan.parts().size() - 1; number >= 0; number--) {
      try {
        if (!done.contains(number)
            && task.run(
                run,
                number,
                plan.parts().get(number),
                job,
                work,
                count -> progress.tell(looked + count),
                progress.context()::proceed)) {
          return true;
        }
      } catch (ShardTask.ClaimLost e) {
        return true; // somebody is at it: look again
      }
    }
    return false;
  }

  private static long looked(SharedPlan plan, Set<Integer> done) {
    return done.stream().mapToLong(n -> plan.parts().get(n).count()).sum();
  }

  private static long below(Set<Integer> done, int number) {
    return done.stream().filter(n -> n < number).count();
  }

  private ObjectRef request(RunId run) {
    var key = StoreLayout.request(run);
    var bytes =
        store
            .read(StoreLayout.RUNS, key)
            .orElseThrow(() -> new ObjectStoreException.NotFound(StoreLayout.RUNS, key))
            .bytes();
    return new ObjectRef(StoreLayout.RUNS, key, bytes.length, Sha256.sum(bytes));
  }
}
