package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * {@code runs/{id}/control.json}: what people want of a run. Written before the notice goes out.
 *
 * @param desired the state that is wanted
 * @param version counts the changes from 1
 */
public record Control(Desired desired, long version) {

  /** What a run can be told. */
  public enum Desired {
    @JsonProperty("running")
    RUNNING,
    @JsonProperty("cancelled")
    CANCELLED
  }
}
