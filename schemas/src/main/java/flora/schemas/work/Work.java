package flora.schemas.work;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.store.ObjectRef;

/**
 * A record on a work topic: this run needs this stage. Everything else stands in the request and in
 * the store, so a record may come late, twice, or after the run has ended.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface Work {

  /** The run. */
  RunId runId();

  /** The frozen request. */
  ObjectRef request();

  /** How often this stage has been asked for: 1 at first, more after the reconciler stepped in. */
  int attempt();

  /** Get what the run needs from hubs. */
  @JsonTypeName("fetch")
  record Fetch(RunId runId, ObjectRef request, int attempt) implements Work {}

  /** Make the dataset version with its captions. */
  @JsonTypeName("label")
  record Label(RunId runId, ObjectRef request, int attempt) implements Work {}

  /** Train the adapter. */
  @JsonTypeName("train")
  record Train(RunId runId, ObjectRef request, int attempt) implements Work {}

  /** The record that asks for a stage. */
  static Work of(Stage stage, RunId runId, ObjectRef request, int attempt) {
    return switch (stage) {
      case FETCH -> new Fetch(runId, request, attempt);
      case LABEL -> new Label(runId, request, attempt);
      case TRAIN -> new Train(runId, request, attempt);
    };
  }

  /** The stage that is asked for. */
  default Stage stage() {
    return switch (this) {
      case Fetch _ -> Stage.FETCH;
      case Label _ -> Stage.LABEL;
      case Train _ -> Stage.TRAIN;
    };
  }
}
