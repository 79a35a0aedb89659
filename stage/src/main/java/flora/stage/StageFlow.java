package flora.stage;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Stage;
import flora.schemas.request.RunRequest;
import java.util.function.Function;

/**
 * The work of one stage, seen from the outside: request in, the {@code Completed} event out. Runs
 * on its own thread, which is interrupted when the run is cancelled or its lease is lost.
 */
public interface StageFlow {

  /** Which stage it is. */
  Stage stage();

  /**
   * Whether it looks itself at what people want: it saves what it has, publishes its own {@code
   * Paused} event and throws {@link StageContext.RunPaused}. Otherwise {@link
   * StageContext#proceed()} stops it wherever it is, and the next attempt begins with what lies in
   * the store.
   */
  default boolean pausesItself() {
    return false;
  }

  /**
   * Does the work, or finds it done.
   *
   * @return the stage's {@code Completed} event, waiting for its stamp
   * @throws flora.schemas.PipelineException for a failure that has a name: transient ones are tried
   *     again, the others end the run
   * @throws StageContext.RunPaused when it stopped because somebody asked to pause
   * @throws InterruptedException when told to stop
   */
  Function<EventStamp, Event> run(RunRequest request, StageContext context)
      throws InterruptedException;
}
