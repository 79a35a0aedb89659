package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;

/** What happens to a run as a whole; topic {@code run.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface RunEvent extends Event {

  /**
   * A run was accepted and its request frozen.
   *
   * @param request the effective request
   * @param object where the request lies
   * @param stages the stages it will go through, in order
   * @param warnings what the person should know about the request
   */
  @JsonTypeName("submitted")
  record Submitted(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      RunRequest request,
      ObjectRef object,
      List<Stage> stages,
      List<String> warnings)
      implements RunEvent {
    public Submitted {
      stages = List.copyOf(stages);
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Somebody asked to cancel; {@code control.json} says so already.
   *
   * @param version of the control object
   */
  @JsonTypeName("cancel_requested")
  record CancelRequested(RunId runId, int attempt, long seq, Instant at, long version)
      implements RunEvent {}

  /**
   * Somebody wants something else of a run; {@code control.json} says so already.
   *
   * @param desired the state that is wanted
   * @param version of the control object
   */
  @JsonTypeName("control_changed")
  record ControlChanged(
      RunId runId, int attempt, long seq, Instant at, Control.Desired desired, long version)
      implements RunEvent {}

  /**
   * A stage's work came to nothing in a way that no worker could tell of itself: its record is in
   * the dead-letter topic.
   *
   * @param stage the stage
   * @param error why
   */
  @JsonTypeName("failed")
  record Failed(RunId runId, int attempt, long seq, Instant at, Stage stage, Failure error)
      implements RunEvent {}
}
