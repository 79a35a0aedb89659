package flora.schemas.label;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens while a dataset version is made; topic {@code label.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface LabelEvent extends Event {

  /**
   * The pictures are listed and work begins.
   *
   * @param total images
   * @param warnings what the person who asked should know before it is done; null = nothing
   */
  @JsonTypeName("started")
  record Started(
      RunId runId, int attempt, long seq, Instant at, long total, @Nullable List<String> warnings)
      implements LabelEvent {

    public Started {
      warnings = warnings == null ? null : List.copyOf(warnings);
    }

    /** With nothing to know. */
    public Started(RunId runId, int attempt, long seq, Instant at, long total) {
      this(runId, attempt, seq, at, total, null);
    }
  }

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
   * The dataset version is complete; or, where the dataset was only to be looked at, the report.
   *
   * @param dataset its name
   * @param version digest of its manifest, and the name of its folder; null when only a report was
   *     asked for
   * @param rows images with a caption, or, of a report, those that can be used
   * @param rejected images left out
   * @param manifest a {@link flora.schemas.dataset.DatasetManifest}; null as the version is
   * @param report a {@link flora.schemas.dataset.DatasetReport}; null when none was made
   * @param labelled images whose caption was made now; null when nobody counted
   * @param kept images whose caption was there already; null when nobody counted
   * @param warnings what the person who asked should know; null = nothing
   */
  @JsonTypeName("completed")
  record Completed(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      String dataset,
      @Nullable Sha256 version,
      long rows,
      long rejected,
      @Nullable ObjectRef manifest,
      @Nullable ObjectRef report,
      @Nullable Long labelled,
      @Nullable Long kept,
      @Nullable List<String> warnings)
      implements LabelEvent {

    public Completed {
      warnings = warnings == null ? null : List.copyOf(warnings);
    }

    /** Of a version alone. */
    public Completed(
        RunId runId,
        int attempt,
        long seq,
        Instant at,
        String dataset,
        Sha256 version,
        long rows,
        long rejected,
        ObjectRef manifest) {
      this(
          runId, attempt, seq, at, dataset, version, rows, rejected, manifest, null, null, null,
          null);
    }
  }

  /**
   * It stopped because somebody asked, and goes on when somebody asks.
   *
   * @param error what it waits for
   */
  @JsonTypeName("paused")
  record Paused(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements LabelEvent {}

  /** It cannot be done. */
  @JsonTypeName("failed")
  record Failed(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements LabelEvent {}

  /** It was stopped because somebody asked. */
  @JsonTypeName("cancelled")
  record Cancelled(RunId runId, int attempt, long seq, Instant at) implements LabelEvent {}
}
