package flora.schemas.fetch;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;

/** What happens while a run's repositories are fetched; topic {@code fetch.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface FetchEvent extends Event {

  /**
   * The plan stands and work begins.
   *
   * @param total bytes of all files, those that are already there included
   */
  @JsonTypeName("started")
  record Started(RunId runId, int attempt, long seq, Instant at, long total)
      implements FetchEvent {}

  /**
   * How far it is.
   *
   * @param done bytes that lie verified in the store or are on their way through
   * @param total bytes of all files
   * @param bytesPerSecond over the last seconds
   */
  @JsonTypeName("progressed")
  record Progressed(
      RunId runId, int attempt, long seq, Instant at, long done, long total, long bytesPerSecond)
      implements FetchEvent {}

  /**
   * A file lies verified in the store.
   *
   * @param repo where it belongs
   * @param path its path in the repository
   * @param object its blob
   * @param source host that the bytes came from, {@code store} when they were there already
   */
  @JsonTypeName("file_verified")
  record FileVerified(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      RepoId repo,
      String path,
      ObjectRef object,
      String source)
      implements FetchEvent {}

  /**
   * Everything that the run needs is in the store.
   *
   * @param total bytes of all files
   * @param snapshots one for each repository
   */
  @JsonTypeName("completed")
  record Completed(
      RunId runId, int attempt, long seq, Instant at, long total, List<Snapshot> snapshots)
      implements FetchEvent {
    public Completed {
      snapshots = List.copyOf(snapshots);
    }
  }

  /** It cannot be done. */
  @JsonTypeName("failed")
  record Failed(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements FetchEvent {}

  /** It was stopped because somebody asked. */
  @JsonTypeName("cancelled")
  record Cancelled(RunId runId, int attempt, long seq, Instant at) implements FetchEvent {}
}
