package flora.schemas.label;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import java.time.Instant;

/** What happens while a dataset version is made; topic {@code label.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface LabelEvent extends Event {

  /**
   * The pictures are listed and work begins.
   *
   * @param total images
   */
  @JsonTypeName("started")
  record Started(RunId runId, int attempt, long seq, Instant at, long total)
      implements LabelEvent {}

  /**
   * How far it is.
   *
   * @param done images with a caption, and rejected ones
   * @param total images
   */
  @JsonTypeName("progressed")
  record Progressed(RunId runId, int attempt, long seq, Instant at, long done, long total)
      implements LabelEvent {}

  /**
   * A picture is left out; the run goes on.
   *
   * @param fileName its original name
   * @param reason why, for people
   */
  @JsonTypeName("image_rejected")
  record ImageRejected(
      RunId runId, int attempt, long seq, Instant at, String fileName, String reason)
      implements LabelEvent {}

  /**
   * The dataset version is complete.
   *
   * @param dataset its name
   * @param version digest of its manifest, and the name of its folder
   * @param rows images with a caption
   * @param rejected images left out
   * @param manifest a {@link flora.schemas.dataset.DatasetManifest}
   */
  @JsonTypeName("completed")
  record Completed(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      String dataset,
      Sha256 version,
      long rows,
      long rejected,
      ObjectRef manifest)
      implements LabelEvent {}

  /** It cannot be done. */
  @JsonTypeName("failed")
  record Failed(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements LabelEvent {}

  /** It was stopped because somebody asked. */
  @JsonTypeName("cancelled")
  record Cancelled(RunId runId, int attempt, long seq, Instant at) implements LabelEvent {}
}
