package flora.schemas.run;

import flora.schemas.Stage;
import java.time.Instant;
import java.util.Map;

/**
 * {@code runs/{id}/lease.json}: who works on a run, until when. Taken and renewed by conditional
 * put.
 *
 * @param stage the stage that is worked on
 * @param owner the worker
 * @param epoch grows by one each time the lease is taken; fences the writes of those before
 * @param attempts how often each stage was taken
 * @param expires when it is anybody's again; a released lease has expired
 */
public record LeaseState(
    Stage stage, String owner, long epoch, Map<Stage, Integer> attempts, Instant expires) {
  public LeaseState {
    attempts = Map.copyOf(attempts);
  }
}
