package flora.schemas.run;

import static java.util.Comparator.comparing;
import static java.util.Comparator.comparingInt;
import static java.util.Comparator.naturalOrder;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Run.RunArtifact;
import flora.schemas.run.Run.RunError;
import flora.schemas.run.Run.SavedCheckpoint;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Events into the record of their run. Every event stands for a small record of its own and is
 * joined to what is known: the join is commutative, associative and idempotent, so that every order
 * and every repetition of a run's events gives the same record. What is computed (status, times of
 * the whole, error) is computed from the joined facts and from nothing else.
 *
 * <ul>
 *   <li>A stage is in the state of the event that is greatest in (attempt, ends the stage, seq);
 *       the first success beats everything.
 *   <li>Progress is the newest of the attempt that the state is from.
 *   <li>Checkpoints, artifacts and previews are unions; of two with one name the higher attempt's
 *       stays.
 * </ul>
 */
public final class RunJoin {

  /** A record has to stay below what Kafka takes, also where every step saves a checkpoint. */
  private static final int NEWEST_CHECKPOINTS = 200;

  /** With prompts of a thousand characters that is a third of what Kafka takes. */
  private static final int NEWEST_PREVIEWS = 200;

  private RunJoin() {}

  /** A run of which nothing is known but its id. */
  public static Run empty(RunId id) {
    return new Run(
        "run",
        id,
        null,
        Run.Status.QUEUED,
        false,
        0,
        null,
        null,
        null,
        null,
        null,
        List.of(),
        Map.of(),
        null,
        null,
        null,
        List.of(),
        List.of(),
        List.of(),
        null);
  }

  /**
   * What is known of a run once this has happened, too.
   *
   * @throws IllegalArgumentException for an event of another run, or of none of the four families
   */
  public static Run join(Run run, Event event) {
    if (!event.runId().equals(run.id())) {
      throw new IllegalArgumentException(event.runId() + " is not " + run.id());
    }
    var facts = new Facts(run);
    facts.attempt = Math.max(facts.attempt, event.attempt());
    facts.updatedAt = latest(facts.updatedAt, event.at());
    switch (event) {
      case RunEvent e -> facts.add(e);
      case FetchEvent e -> facts.add(e);
      case LabelEvent e -> facts.add(e);
      case TrainingEvent e -> facts.add(e);
      default -> throw new IllegalArgumentException("no family of events has " + event.getClass());
    }
    return facts.toRun();
  }

  private static Instant earliest(@Nullable Instant a, Instant b) {
    return a == null || b.isBefore(a) ? b : a;
  }

  private static Instant latest(@Nullable Instant a, Instant b) {
    return a == null || b.isAfter(a) ? b : a;
  }

  /** What is joined, taken out of a record and put back; lives for one event. */
  private static final class Facts {
    private final RunId id;
    private final EnumMap<Stage, StageState> stages = new EnumMap<>(Stage.class);
    private int attempt;
    private @Nullable String name;
    private @Nullable RunRequest request;
    private List<String> warnings;
    private @Nullable Instant createdAt;
    private @Nullable Instant startedAt;
    private @Nullable Instant updatedAt;
    private @Nullable Instant cancelRequestedAt;
    private @Nullable Sha256 datasetVersion;
    private List<SavedCheckpoint> checkpoints;
    private List<RunArtifact> artifacts;
    private List<Run.Preview> previews;
    private Run.@Nullable Validation validation;

    Facts(Run run) {
      id = run.id();
      stages.putAll(run.stages());
      attempt = run.attempt();
      name = run.name();
      request = run.request();
      warnings = run.warnings();
      createdAt = run.createdAt();
      startedAt = run.startedAt();
      updatedAt = run.updatedAt();
      cancelRequestedAt = run.cancelRequestedAt();
      datasetVersion = run.datasetVersion();
      checkpoints = run.checkpoints();
      artifacts = run.artifacts();
      previews = run.previews();
      validation = run.validation();
    }

    void add(RunEvent event) {
      switch (event) {
        case RunEvent.Submitted e -> submitted(e);
        case RunEvent.CancelRequested e -> cancelRequestedAt = earliest(cancelRequestedAt, e.at());
        case RunEvent.ControlChanged _ -> {} // the stages say what comes of it
        case RunEvent.Failed e -> stage(e.stage(), StageJoin.failed(e, e.stage(), e.error()));
      }
    }

    private void submitted(RunEvent.Submitted e) {
      // everybody submits a run from the same frozen object; if not, the same one has to win
      var order =
          comparing(RunEvent.Submitted::at)
              .thenComparing(s -> s.request().toString())
              .thenComparing(s -> s.warnings().toString());
      if (createdAt == null
          || request == null
          || order.compare(e, again(e, createdAt, request, warnings)) < 0) {
        createdAt = e.at();
        request = e.request();
        name = e.request().name();
        warnings = e.warnings();
      }
      for (var stage : Stage.values()) {
        stages.putIfAbsent(
            stage,
            e.stages().contains(stage)
                ? StageJoin.untouched(StageState.Status.PENDING, stage)
                : StageJoin.untouched(StageState.Status.SKIPPED, stage));
      }
    }

    private static RunEvent.Submitted again(
        RunEvent.Submitted e, Instant at, RunRequest request, List<String> warnings) {
      return new RunEvent.Submitted(
          e.runId(), e.attempt(), e.seq(), at, request, e.object(), e.stages(), warnings);
    }

    void add(FetchEvent event) {
      var stage = Stage.FETCH;
      started(event);
      stage(
          stage,
          switch (event) {
            case FetchEvent.Started e -> StageJoin.fetching(e);
            case FetchEvent.Progressed e -> StageJoin.fetching(e);
            case FetchEvent.Paused e -> StageJoin.paused(e, stage, e.error());
            // Started warns of a renamed repository among the others
            case FetchEvent.RepositoryRenamed _,
                FetchEvent.FileVerified _,
                FetchEvent.MirrorSwitched _,
                FetchEvent.ChecksumMismatched _,
                FetchEvent.UpstreamMoved _ ->
                StageJoin.running(event, stage);
            case FetchEvent.Resumed e -> StageJoin.resumed(e, stage);
            case FetchEvent.Completed e -> StageJoin.succeeded(e, stage, e.total(), null);
            case FetchEvent.Failed e -> StageJoin.failed(e, stage, e.error());
            case FetchEvent.Cancelled e -> StageJoin.cancelled(e, stage);
          });
    }

    void add(LabelEvent event) {
      var stage = Stage.LABEL;
      started(event);
      var state =
          stage(
              stage,
              switch (event) {
                case LabelEvent.Started e -> StageJoin.labelling(e);
                case LabelEvent.Progressed e -> StageJoin.running(e, stage, e.done(), e.total());
                case LabelEvent.ImageRejected e -> StageJoin.running(e, stage);
                case LabelEvent.Paused e -> StageJoin.paused(e, stage, e.error());
                case LabelEvent.Completed e -> StageJoin.labelled(e);
                case LabelEvent.Failed e -> StageJoin.failed(e, stage, e.error());
                case LabelEvent.Cancelled e -> StageJoin.cancelled(e, stage);
              });
      if (event instanceof LabelEvent.Completed e && e.version() != null && isFrom(state, e)) {
        datasetVersion = e.version();
      }
    }

    void add(TrainingEvent event) {
      var stage = Stage.TRAIN;
      started(event);
      stage(
          stage,
          switch (event) {
            case TrainingEvent.Started e -> StageJoin.running(e, stage, e.step(), e.total());
            case TrainingEvent.StepsCompleted e -> StageJoin.training(e);
            case TrainingEvent.CheckpointSaved _,
                TrainingEvent.ResumedInexactly _,
                TrainingEvent.PreviewSaved _,
                TrainingEvent.Validated _,
                TrainingEvent.AdapterExported _ ->
                StageJoin.running(event, stage);
            case TrainingEvent.BatchReduced e -> StageJoin.running(e, stage, StageJoin.warning(e));
            case TrainingEvent.RolledBack e -> StageJoin.running(e, stage, StageJoin.warning(e));
            case TrainingEvent.Paused e -> StageJoin.paused(e, stage, Failure.paused());
            case TrainingEvent.Resumed e -> StageJoin.resumed(e, stage);
            case TrainingEvent.Completed e -> StageJoin.succeeded(e, stage, e.total(), e.loss());
            case TrainingEvent.Failed e -> StageJoin.failed(e, stage, e.error());
            case TrainingEvent.Cancelled e -> StageJoin.cancelled(e, stage);
          });
      switch (event) {
        case TrainingEvent.CheckpointSaved e -> add(e);
        case TrainingEvent.PreviewSaved e -> add(e);
        case TrainingEvent.Validated e -> add(e);
        case TrainingEvent.AdapterExported e -> add(e.artifact(), e.attempt());
        case TrainingEvent.Completed e -> e.artifacts().forEach(a -> add(a, e.attempt()));
        case TrainingEvent.Started _,
            TrainingEvent.StepsCompleted _,
            TrainingEvent.ResumedInexactly _,
            TrainingEvent.BatchReduced _,
            TrainingEvent.RolledBack _,
            TrainingEvent.Paused _,
            TrainingEvent.Resumed _,
            TrainingEvent.Failed _,
            TrainingEvent.Cancelled _ -> {}
      }
    }

    private void add(TrainingEvent.CheckpointSaved e) {
      var file = StoreLayout.checkpointFolder(e.step()) + CheckpointManifest.ADAPTER;
      var all =
          union(
              checkpoints,
              new SavedCheckpoint(e.step(), e.loss(), url(file), e.attempt(), e.manifest()),
              comparing(SavedCheckpoint::step),
              comparingInt(SavedCheckpoint::attempt).thenComparing(SavedCheckpoint::toString));
      checkpoints = all.subList(Math.max(0, all.size() - NEWEST_CHECKPOINTS), all.size());
    }

    private void add(TrainingEvent.PreviewSaved e) {
      var name = e.artifact().name();
      var all =
          union(
              previews,
              new Run.Preview(
                  name,
                  e.step(),
                  e.prompt(),
                  e.seed(),
                  url(name),
                  e.attempt(),
                  e.artifact().object()),
              comparing(Run.Preview::step).thenComparing(Run.Preview::name),
              comparingInt(Run.Preview::attempt).thenComparing(Run.Preview::toString));
      previews = all.subList(Math.max(0, all.size() - NEWEST_PREVIEWS), all.size());
    }

    private void add(TrainingEvent.Validated e) {
      var news =
          new Run.Validation(e.step(), e.loss(), e.bestLoss(), e.bestStep(), e.attempt(), e.seq());
      var newer =
          comparingInt(Run.Validation::attempt)
              .thenComparing(Run.Validation::seq)
              .thenComparing(Run.Validation::toString);
      validation = validation == null || newer.compare(news, validation) > 0 ? news : validation;
    }

    private void add(Artifact file, int byAttempt) {
      var object = file.object();
      artifacts =
          union(
              artifacts,
              new RunArtifact(
                  file.name(), object.size(), object.sha256(), url(file.name()), byAttempt, object),
              comparing(RunArtifact::name),
              comparingInt(RunArtifact::attempt).thenComparing(RunArtifact::toString));
    }

    private static <T> List<T> union(
        List<T> known, T one, Comparator<T> key, Comparator<T> whichStays) {
      var rest = known.stream().filter(k -> key.compare(k, one) != 0);
      var same = known.stream().filter(k -> key.compare(k, one) == 0);
      var kept = Stream.concat(same, Stream.of(one)).max(whichStays).orElse(one);
      return Stream.concat(rest, Stream.of(kept)).sorted(key).toList();
    }

    private String url(String file) {
      return "/v1/runs/" + id + "/artifacts/" + file;
    }

    private void started(Event event) {
      startedAt = earliest(startedAt, event.at());
    }

    private StageState stage(Stage stage, StageState news) {
      return Objects.requireNonNull(stages.merge(stage, news, StageJoin::join));
    }

    Run toRun() {
      var status = status();
      return new Run(
          "run",
          id,
          name,
          status,
          false,
          attempt,
          createdAt,
          startedAt,
          finishedAt(status),
          updatedAt,
          request,
          warnings,
          stages,
          cancelRequestedAt,
          error(),
          datasetVersion,
          checkpoints,
          artifacts,
          previews,
          validation);
    }

    private Run.Status status() {
      if (any(StageState.Status.FAILED)) {
        return Run.Status.FAILED;
      }
      if (any(StageState.Status.CANCELLED)) {
        return Run.Status.CANCELLED;
      }
      if (request != null
          && stages.values().stream()
              .allMatch(
                  s ->
                      s.status() == StageState.Status.SUCCEEDED
                          || s.status() == StageState.Status.SKIPPED)) {
        return Run.Status.SUCCEEDED;
      }
      var status = cancelRequestedAt != null ? Run.Status.CANCELLED : Run.Status.QUEUED;
      for (var stage : stages.entrySet()) {
        if (stage.getValue().status() == StageState.Status.RUNNING) {
          var paused = stage.getValue().paused();
          if (paused == null) {
            status = whileIn(stage.getKey());
          } else if (cancelRequestedAt == null || paused.code() != ErrorCode.RUN_PAUSED) {
            status = Run.Status.PAUSED;
          } // else nobody works on it, and nobody will
        }
      }
      return status;
    }

    private static Run.Status whileIn(Stage stage) {
      return switch (stage) {
        case FETCH -> Run.Status.FETCHING;
        case LABEL -> Run.Status.LABELLING;
        case TRAIN -> Run.Status.TRAINING;
      };
    }

    private boolean any(StageState.Status status) {
      return stages.values().stream().anyMatch(s -> s.status() == status);
    }

    private @Nullable Instant finishedAt(Run.Status status) {
      Function<StageState.Status, Stream<Instant>> times =
          wanted ->
              stages.values().stream()
                  .filter(s -> s.status() == wanted)
                  .map(StageState::at)
                  .filter(Objects::nonNull)
                  .map(Objects::requireNonNull);
      return switch (status) {
        case SUCCEEDED ->
            Stream.concat(times.apply(StageState.Status.SUCCEEDED), Stream.ofNullable(createdAt))
                .max(naturalOrder())
                .orElse(null);
        case FAILED -> times.apply(StageState.Status.FAILED).min(naturalOrder()).orElse(null);
        case CANCELLED ->
            times
                .apply(StageState.Status.CANCELLED)
                .min(naturalOrder())
                .orElse(
                    // between two stages, or before the first
                    Stream.concat(
                            times.apply(StageState.Status.SUCCEEDED),
                            Stream.ofNullable(cancelRequestedAt))
                        .max(naturalOrder())
                        .orElse(null));
        case QUEUED, FETCHING, LABELLING, TRAINING, PAUSED -> null;
      };
    }

    private @Nullable RunError error() {
      for (var entry : stages.entrySet()) {
        var failure = entry.getValue().error();
        if (entry.getValue().status() == StageState.Status.FAILED && failure != null) {
          return new RunError(failure.code(), entry.getKey(), failure.message(), failure.hint());
        }
      }
      return null;
    }

    private static boolean isFrom(StageState state, Event e) {
      return state.attempt() == e.attempt() && state.seq() == e.seq();
    }
  }
}
