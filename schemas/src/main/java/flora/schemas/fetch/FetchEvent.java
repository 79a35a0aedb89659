package flora.schemas.fetch;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens while a run's repositories are fetched; topic {@code fetch.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface FetchEvent extends Event {

  /**
   * The plan stands and work begins.
   *
   * @param total bytes of all files, those that are already there included
   * @param warnings what somebody should know about the choice of files and of sources
   */
  @JsonTypeName("started")
  record Started(RunId runId, int attempt, long seq, Instant at, long total, List<String> warnings)
      implements FetchEvent {
    public Started {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * How far it is.
   *
   * @param done bytes that lie verified in the store or are on their way through
   * @param total bytes of all files
   * @param bytesPerSecond over the last seconds
   * @param linkBytesPerSecond the most that this fetcher's link has been seen to carry
   * @param etaSeconds until the last byte, when that can be told
   * @param bottleneck what keeps it from being faster, when that can be told
   * @param sources who gives how much
   */
  @JsonTypeName("progressed")
  record Progressed(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long done,
      long total,
      long bytesPerSecond,
      long linkBytesPerSecond,
      @Nullable Long etaSeconds,
      @Nullable Bottleneck bottleneck,
      List<SourceShare> sources)
      implements FetchEvent {
    public Progressed {
      sources = List.copyOf(sources);
    }
  }

  /** What keeps a download from being faster. */
  enum Bottleneck {
    /** The hubs and mirrors: more connections to them would carry more. */
    @JsonProperty("source")
    SOURCE,
    /** The way between: more connections carry no more. */
    @JsonProperty("link")
    LINK,
    /** The object store. */
    @JsonProperty("disk")
    DISK,
    /** Checking the digests. */
    @JsonProperty("hash")
    HASH
  }

  /**
   * What one hub or mirror gives.
   *
   * @param name of the hub or mirror
   * @param bytes that came from it so far
   * @param bytesPerSecond over the last seconds
   * @param connections open to it now
   */
  record SourceShare(String name, long bytes, long bytesPerSecond, int connections) {}

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
   * A file's bytes come from another hub or mirror than before.
   *
   * @param from name of the hub or mirror before
   * @param to and from now on
   * @param reason why, in words
   */
  @JsonTypeName("mirror_switched")
  record MirrorSwitched(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      RepoId repo,
      String path,
      String from,
      String to,
      String reason)
      implements FetchEvent {}

  /**
   * A hub or mirror gave wrong bytes; nothing of them is kept.
   *
   * @param source name of the hub or mirror
   * @param expected the digest or size that is listed
   * @param received the digest or size that came, or only that other bytes did
   */
  @JsonTypeName("checksum_mismatched")
  record ChecksumMismatched(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      RepoId repo,
      String path,
      String source,
      String expected,
      String received)
      implements FetchEvent {}

  /**
   * The repository is had under another name than the one asked for.
   *
   * @param requested the name in the request
   * @param repo the name that is used
   * @param reason who says so, in words
   */
  @JsonTypeName("repository_renamed")
  record RepositoryRenamed(
      RunId runId, int attempt, long seq, Instant at, RepoId requested, RepoId repo, String reason)
      implements FetchEvent {}

  /**
   * The revision stands for another commit than when it was fetched last.
   *
   * @param revision the branch or tag
   */
  @JsonTypeName("upstream_moved")
  record UpstreamMoved(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      RepoId repo,
      String revision,
      String fromCommit,
      String toCommit)
      implements FetchEvent {}

  /**
   * It waits for room in the store, said again every ten seconds, or for a hub or mirror to answer,
   * said at every try; it goes on by itself.
   *
   * @param error what it waits for
   */
  @JsonTypeName("paused")
  record Paused(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements FetchEvent {}

  /** What it waited for is there. */
  @JsonTypeName("resumed")
  record Resumed(RunId runId, int attempt, long seq, Instant at) implements FetchEvent {}

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
