package flora.labeler;

import flora.labeler.dataset.SharedPlan;
import flora.labeler.spool.WorkFolder;
import flora.schemas.Json;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.LabelShard;
import flora.stage.DeadLetters;
import flora.stage.Delivery;
import flora.stage.Outbox;
import flora.stage.RecordHandler;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * {@code label.shards.v1} → a part of somebody else's labelling done, or found not to be wanted any
 * more. What goes wrong here is no failure of the run: its holder does the part itself.
 */
final class ShardHandler implements RecordHandler {

  private static final Logger log = LoggerFactory.getLogger(ShardHandler.class);

  private static final Duration STORE_PAUSE = Duration.ofSeconds(1);
  private static final Duration LOOK = Duration.ofSeconds(3);

  /** Control flow, not a failure: the record goes to another. */
  private static final class Stopped extends RuntimeException {
    Stopped() {
      super("stopped", null, false, false);
    }
  }

  private final ObjectStore store;
  private final Labelling labelling;
  private final ShardTask task;
  private final DeadLetters deadLetters;
  private final Path folder;
  private final Clock clock;

  ShardHandler(
      ObjectStore store,
      Labelling labelling,
      ShardTask task,
      DeadLetters deadLetters,
      Path folder,
      Clock clock) {
    this.store = store;
    this.labelling = labelling;
    this.task = task;
    this.deadLetters = deadLetters;
    this.folder = folder;
    this.clock = clock;
  }

  @Override
  public Outcome handle(Delivery delivery) {
    try {
      var shard = Json.read(delivery.record().value(), LabelShard.class);
      workWhateverTheStoreDoes(shard, delivery);
      return Outcome.DONE;
    } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
      return drop(delivery, e);
    } catch (Stopped | InterruptedException e) {
      return Outcome.GIVE_BACK;
    } catch (RuntimeException e) {
      if (delivery.stopped() != null) {
        return Outcome.GIVE_BACK; // interrupted, whatever it looks like
      }
      log.warn("a part of a labelling is left to the run's holder", e);
      return Outcome.DONE;
    }
  }

  private void workWhateverTheStoreDoes(LabelShard shard, Delivery delivery)
      throws InterruptedException {
    while (true) {
      try {
        work(shard, delivery);
        return;
      } catch (ObjectStoreException.Unavailable e) {
        if (delivery.stopped() != null) {
          throw new Stopped();
        }
        log.warn("the object store is away, waiting: {}", e.getMessage());
        Thread.sleep(STORE_PAUSE);
      }
    }
  }

  private void work(LabelShard shard, Delivery delivery) throws InterruptedException {
    var run = shard.runId();
    var plan = SharedPlan.read(store, run, shard.recipe());
    var head =
        store
            .read(StoreLayout.RUNS, StoreLayout.head(run))
            .map(s -> Json.read(s.bytes(), Head.class))
            .filter(h -> h.label() == null && h.ended() == null);
    if (plan.isEmpty() || head.isEmpty() || isCancelled(shard) || !isPartOf(plan.get(), shard)) {
      return; // nobody waits for it any more
    }
    var request =
        Json.read(
            store
                .read(shard.request().bucket(), shard.request().key())
                .orElseThrow(
                    () ->
                        new ObjectStoreException.NotFound(
                            shard.request().bucket(), shard.request().key()))
                .bytes(),
            RunRequest.class);
    var dataset = Optional.ofNullable(request.dataset()).orElseThrow();
    var job = labelling.job(dataset, head.get());
    if (!job.recipe().equals(shard.recipe())) {
      log.warn("another version of the labeler has planned {}: its captions are another's", run);
      return;
    }
    try (var work = WorkFolder.in(folder)) {
      task.run(
          run,
          shard.shard(),
          plan.get().parts().get(shard.shard()),
          job,
          work,
          _ -> {},
          new Watch(shard, delivery)::proceed);
    } catch (ShardTask.ClaimLost e) {
      log.warn("stopped: {}", e.getMessage());
    }
  }

  /** Whether the part is still wanted, asked now and then. */
  private final class Watch {
    private final LabelShard shard;
    private final Delivery delivery;
    private Instant next;

    Watch(LabelShard shard, Delivery delivery) {
      this.shard = shard;
      this.delivery = delivery;
      this.next = clock.instant().plus(LOOK);
    }

    void proceed() {
      if (delivery.stopped() != null) {
        throw new Stopped();
      }
      if (clock.instant().isAfter(next)) {
        next = clock.instant().plus(LOOK);
        if (isCancelled(shard)) {
          throw new ShardTask.ClaimLost(shard.runId(), shard.shard());
        }
      }
    }
  }

  private static boolean isPartOf(SharedPlan plan, LabelShard shard) {
    return shard.shard() < plan.parts().size()
        && plan.parts().get(shard.shard()).pictures().equals(shard.pictures());
  }

  private boolean isCancelled(LabelShard shard) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.control(shard.runId()))
        .map(s -> Json.read(s.bytes(), Control.class))
        .filter(c -> c.desired() == Control.Desired.CANCELLED)
        .isPresent();
  }

  private Outcome drop(Delivery delivery, RuntimeException why) {
    log.error("dead letter at offset {}", delivery.record().offset(), why);
    try {
      deadLetters.write(
          delivery.record(), "not a part of a labelling: " + why.getClass().getName());
      return Outcome.DONE;
    } catch (Outbox.SendFailed e) {
      return Outcome.GIVE_BACK;
    }
  }
}
