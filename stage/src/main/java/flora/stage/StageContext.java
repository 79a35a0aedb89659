package flora.stage;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** What a stage's work may do to the world while it holds the lease of a run. Thread-safe. */
public interface StageContext {

  /** The run. */
  RunId runId();

  /** Attempt at this stage, from 1. */
  int attempt();

  /** Fencing token: everything that this attempt writes lies below {@code attempts/{epoch}/}. */
  long epoch();

  /** What the stages before have finished, and what earlier attempts at this one have left. */
  Head head();

  /**
   * Changes {@code head.json} by conditional put under this attempt's epoch.
   *
   * @throws LeaseLost when another attempt has taken over: stop at once, publish nothing
   */
  Head updateHead(UnaryOperator<Head> change);

  /** Publishes an event, in order, and returns when the broker has it. */
  void publish(Function<EventStamp, Event> event);

  /**
   * Publishes a progress event unless the last one is less than a second old; never blocks. The
   * newest one that was held back follows when its time has come.
   */
  void progress(Function<EventStamp, Event> event);

  /** What people want of the run, as it was read at most two seconds ago; never blocks. */
  Control control();

  /**
   * To be called between units of work, at least once a second.
   *
   * @throws RunCancelled when somebody asked to cancel
   * @throws RunPaused when somebody asked to pause, unless the flow pauses itself
   * @throws LeaseLost when another attempt has taken over
   */
  void proceed();

  /** Control flow, not a failure: somebody asked to cancel the run. */
  final class RunCancelled extends RuntimeException {
    public RunCancelled(RunId run) {
      super("cancelled: " + run, null, false, false);
    }
  }

  /** Control flow, not a failure: somebody asked to pause the run, and another attempt goes on. */
  final class RunPaused extends RuntimeException {
    public RunPaused(RunId run) {
      super("paused: " + run, null, false, false);
    }
  }

  /** Control flow, not a failure: the run belongs to another attempt now. */
  final class LeaseLost extends RuntimeException {
    public LeaseLost(RunId run, long epoch) {
      super("lease of " + run + " lost at epoch " + epoch, null, false, false);
    }
  }
}
