package flora.schemas.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RunJoinTest {

  private static final RunId RUN = RunId.of("join");
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Failure BROKEN =
      new Failure(ErrorCode.CHECKSUM_MISMATCH, "the digest is wrong", "try again");

  @ParameterizedTest
  @MethodSource("seeds")
  void everyOrderAndRepetitionOfEventsGivesTheSameRecord(long seed) {
    var random = new Random(seed);
    var events = history(random);
    var expected = fold(events);

    for (int i = 0; i < 20; i++) {
      var shuffled = new ArrayList<>(events);
      for (int again = random.nextInt(events.size() + 1); again > 0; again--) {
        shuffled.add(events.get(random.nextInt(events.size())));
      }
      Collections.shuffle(shuffled, random);

      assertThat(Json.mapper().writeValueAsString(fold(shuffled)))
          .isEqualTo(Json.mapper().writeValueAsString(expected));
    }
  }

  static List<Long> seeds() {
    return java.util.stream.LongStream.range(0, 300).boxed().toList();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void aRecordThatWasWrittenAndReadBackJoinsOnTheSame(long seed) {
    var random = new Random(seed);
    var events = history(random);

    var run = RunJoin.empty(RUN);
    for (var event : events) {
      run = Json.read(Json.bytes(RunJoin.join(run, event)), Run.class);
    }

    assertThat(run).isEqualTo(fold(events));
  }

  @Test
  void aRunGoesThroughItsStages() {
    var run = fold(submitted());
    assertThat(run.status()).isEqualTo(Run.Status.QUEUED);
    assertThat(run.name()).isEqualTo("mine");
    assertThat(run.createdAt()).isEqualTo(START);
    assertThat(run.stages().get(Stage.LABEL).status()).isEqualTo(StageState.Status.PENDING);

    run = join(run, new FetchEvent.Started(RUN, 1, 1, at(1), 100, List.of()));
    assertThat(run.status()).isEqualTo(Run.Status.FETCHING);
    assertThat(run.startedAt()).isEqualTo(at(1));

    run =
        join(
            run, new FetchEvent.Progressed(RUN, 1, 2, at(2), 40, 100, 20, 20, 3L, null, List.of()));
    assertThat(run.stages().get(Stage.FETCH).done()).isEqualTo(40);

    run = join(run, new FetchEvent.Completed(RUN, 1, 3, at(3), 100, List.of()));
    assertThat(run.status()).isEqualTo(Run.Status.QUEUED);

    run = join(run, new LabelEvent.Started(RUN, 1, 1, at(4), 3, List.of("this will take long")));
    assertThat(run.status()).isEqualTo(Run.Status.LABELLING);
    assertThat(run.stages().get(Stage.LABEL).warnings()).containsExactly("this will take long");

    run = join(run, labelled(1, 2, at(5)));
    assertThat(run.datasetVersion()).isEqualTo(digest("version"));

    run = join(run, steps(1, 1, at(6), 10, 0.5));
    assertThat(run.status()).isEqualTo(Run.Status.TRAINING);
    assertThat(run.stages().get(Stage.TRAIN).loss()).isEqualTo(0.5);
    assertThat(run.finishedAt()).isNull();

    run = join(run, trained(1, 2, at(7)));
    assertThat(run.status()).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(run.finishedAt()).isEqualTo(at(7));
    assertThat(run.attempt()).isEqualTo(1);
    assertThat(run.artifacts())
        .extracting(Run.RunArtifact::url)
        .containsExactly("/v1/runs/" + RUN + "/artifacts/adapter/kohya/mine.safetensors");
  }

  @Test
  void stagesThatTheRequestDoesNotNameAreSkipped() {
    var request = new RunRequest("mine", null, dataset(), null);
    var run = fold(submitted(request, List.of(Stage.LABEL), START), labelled(1, 2, at(5)));

    assertThat(run.status()).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(run.stages().get(Stage.FETCH).status()).isEqualTo(StageState.Status.SKIPPED);
    assertThat(run.stages().get(Stage.TRAIN).status()).isEqualTo(StageState.Status.SKIPPED);
  }

  @Test
  void eventsBeforeTheSubmissionAreNotLost() {
    var run = fold(new FetchEvent.Started(RUN, 1, 1, at(1), 100, List.of()));
    assertThat(run.request()).isNull();
    assertThat(run.status()).isEqualTo(Run.Status.FETCHING);

    run = join(run, submitted());

    assertThat(run.status()).isEqualTo(Run.Status.FETCHING);
    assertThat(run.request()).isNotNull();
  }

  @Test
  void aFetchThatWaitsForRoomIsPausedUntilItGoesOn() {
    var run =
        fold(
            submitted(),
            new FetchEvent.Started(RUN, 1, 1, at(1), 100, List.of("one mirror alone")),
            new FetchEvent.Paused(RUN, 1, 2, at(2), BROKEN),
            // what else it tells meanwhile does not end the pause
            new FetchEvent.Progressed(RUN, 1, 3, at(3), 40, 100, 0, 20, null, null, List.of()));

    assertThat(run.status()).isEqualTo(Run.Status.PAUSED);
    assertThat(run.stages().get(Stage.FETCH).paused()).isEqualTo(BROKEN);

    run = join(run, new FetchEvent.Resumed(RUN, 1, 4, at(4)));

    assertThat(run.status()).isEqualTo(Run.Status.FETCHING);
    assertThat(run.stages().get(Stage.FETCH).warnings()).containsExactly("one mirror alone");
  }

  @Test
  void aRenamedRepositoryIsOneWarning() {
    var warning = "c/d: c/d is fetched in place of a/b: it moved";
    var run =
        fold(
            submitted(),
            new FetchEvent.Started(RUN, 1, 1, at(1), 100, List.of(warning)),
            new FetchEvent.RepositoryRenamed(
                RUN, 1, 2, at(2), new RepoId("a/b"), new RepoId("c/d"), "it moved"));

    assertThat(run.stages().get(Stage.FETCH).warnings()).containsExactly(warning);
    assertThat(run.stages().get(Stage.FETCH).status()).isEqualTo(StageState.Status.RUNNING);
  }

  @Test
  void aTakeoverBeginsItsProgressAnew() {
    var run = fold(submitted(), steps(1, 9, at(9), 130, 0.3));

    run = join(run, new TrainingEvent.Started(RUN, 2, 1, at(20), 100, 1000));
    // the worker that lost the run speaks once more
    run = join(run, steps(1, 10, at(21), 131, 0.3));

    assertThat(run.stages().get(Stage.TRAIN).done()).isEqualTo(100);
    assertThat(run.attempt()).isEqualTo(2);
  }

  @Test
  void successIsNeverTakenBack() {
    var succeeded = fold(submitted(), trained(1, 5, at(5)));

    var run = join(succeeded, new TrainingEvent.Failed(RUN, 2, 7, at(7), BROKEN));
    run = join(run, new TrainingEvent.Started(RUN, 3, 1, at(8), 0, 10));

    assertThat(run.stages().get(Stage.TRAIN)).isEqualTo(succeeded.stages().get(Stage.TRAIN));
  }

  @Test
  void aFailureNamesItsStageUntilALaterAttemptStarts() {
    var run = fold(submitted(), new FetchEvent.Failed(RUN, 1, 2, at(2), BROKEN));
    assertThat(run.status()).isEqualTo(Run.Status.FAILED);
    assertThat(run.finishedAt()).isEqualTo(at(2));
    assertThat(run.error())
        .isEqualTo(
            new Run.RunError(
                ErrorCode.CHECKSUM_MISMATCH, Stage.FETCH, "the digest is wrong", "try again"));

    run = join(run, new FetchEvent.Started(RUN, 2, 1, at(3), 100, List.of()));

    assertThat(run.status()).isEqualTo(Run.Status.FETCHING);
    assertThat(run.error()).isNull();
    assertThat(run.finishedAt()).isNull();
  }

  @Test
  void aDeadLetterEndsTheAttemptItWasAbout() {
    var run =
        fold(
            submitted(),
            steps(3, 50, at(9), 130, 0.3),
            new RunEvent.Failed(RUN, 3, 1, at(10), Stage.TRAIN, BROKEN));

    assertThat(run.status()).isEqualTo(Run.Status.FAILED);
    assertThat(run.stages().get(Stage.TRAIN).done()).isEqualTo(130);
  }

  @Test
  void aCancelledRunIsOverWhenNothingRuns() {
    var cancel = new RunEvent.CancelRequested(RUN, 1, 2, at(5), 1);

    assertThat(fold(submitted(), cancel).status()).isEqualTo(Run.Status.CANCELLED);
    assertThat(fold(submitted(), cancel).finishedAt()).isEqualTo(at(5));

    var training = fold(submitted(), steps(1, 1, at(4), 10, 0.3), cancel);
    assertThat(training.status()).isEqualTo(Run.Status.TRAINING);
    assertThat(training.finishedAt()).isNull();
    assertThat(join(training, new TrainingEvent.Cancelled(RUN, 1, 2, at(6))).status())
        .isEqualTo(Run.Status.CANCELLED);
  }

  @Test
  void checkpointsOfAllAttemptsStandTogetherAndTheLaterAttemptWins() {
    var run =
        fold(
            submitted(),
            saved(1, 3, 100, "first"),
            saved(1, 4, 200, "first"),
            saved(2, 2, 200, "second"));

    assertThat(run.checkpoints())
        .extracting(Run.SavedCheckpoint::step, Run.SavedCheckpoint::attempt)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(100L, 1),
            org.assertj.core.groups.Tuple.tuple(200L, 2));
  }

  @Test
  void refusesAnEventOfAnotherRun() {
    var other = new FetchEvent.Started(RunId.of("other"), 1, 1, START, 1, List.of());

    assertThatThrownBy(() -> join(RunJoin.empty(RUN), other))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** A run's events with takeovers, zombies, dead letters, repeated submissions. */
  private static List<Event> history(Random random) {
    var events = new ArrayList<Event>();
    if (random.nextInt(10) > 0) {
      events.add(submitted());
    }
    if (random.nextInt(4) == 0) {
      events.add(
          submitted(new RunRequest("twice", null, dataset(), null), List.of(Stage.LABEL), at(1)));
    }
    if (random.nextInt(3) == 0) {
      events.add(new RunEvent.CancelRequested(RUN, 1, 2, at(random.nextInt(40)), 1));
      events.add(new RunEvent.CancelRequested(RUN, 1, 3, at(random.nextInt(40)), 2));
    }
    if (random.nextInt(3) == 0) {
      events.add(
          new RunEvent.ControlChanged(
              RUN, 1, 4, at(random.nextInt(70)), Control.Desired.PAUSED, 3));
    }
    for (int attempt = 1, last = 1 + random.nextInt(3); attempt <= last; attempt++) {
      fetch(events, attempt, random);
      label(events, attempt, random);
      train(events, attempt, random);
      if (random.nextInt(6) == 0) {
        var stage = Stage.values()[random.nextInt(3)];
        events.add(
            new RunEvent.Failed(
                RUN, attempt, 1 + random.nextInt(5), at(random.nextInt(90)), stage, BROKEN));
      }
    }
    if (events.isEmpty()) {
      events.add(submitted());
    }
    return events;
  }

  private static void fetch(List<Event> events, int attempt, Random random) {
    long seq = 1;
    var warnings = random.nextBoolean() ? List.<String>of() : List.of("w" + attempt, "w");
    events.add(new FetchEvent.Started(RUN, attempt, seq++, time(random), 100, warnings));
    for (int i = random.nextInt(4); i > 0; i--) {
      events.add(
          new FetchEvent.Progressed(
              RUN, attempt, seq++, time(random), seq, 100, 5, 5, null, null, List.of()));
      events.add(
          new FetchEvent.FileVerified(
              RUN, attempt, seq++, time(random), new RepoId("a/b"), "x", ref("x"), "store"));
      if (random.nextInt(3) == 0) {
        events.add(new FetchEvent.Paused(RUN, attempt, seq++, time(random), BROKEN));
      }
    }
    switch (random.nextInt(5)) {
      case 0 -> events.add(new FetchEvent.Failed(RUN, attempt, seq, time(random), BROKEN));
      case 1 -> events.add(new FetchEvent.Cancelled(RUN, attempt, seq, time(random)));
      case 2, 3 ->
          events.add(
              new FetchEvent.Completed(RUN, attempt, seq, time(random), 100 + attempt, List.of()));
      default -> {}
    }
  }

  private static void label(List<Event> events, int attempt, Random random) {
    long seq = 1;
    events.add(new LabelEvent.Started(RUN, attempt, seq++, time(random), 20));
    for (int i = random.nextInt(4); i > 0; i--) {
      events.add(new LabelEvent.ImageRejected(RUN, attempt, seq++, time(random), "a.png", "no"));
      events.add(new LabelEvent.Progressed(RUN, attempt, seq++, time(random), seq, 20));
      if (random.nextInt(4) == 0) {
        events.add(new LabelEvent.Paused(RUN, attempt, seq++, time(random), BROKEN));
      }
    }
    switch (random.nextInt(5)) {
      case 0 -> events.add(new LabelEvent.Failed(RUN, attempt, seq, time(random), BROKEN));
      case 1 -> events.add(new LabelEvent.Cancelled(RUN, attempt, seq, time(random)));
      case 2, 3 -> {
        events.add(labelled(attempt, seq, time(random)));
        events.add(labelled(attempt, seq + 1, time(random)));
      }
      default -> {}
    }
  }

  private static void train(List<Event> events, int attempt, Random random) {
    long seq = 1;
    events.add(new TrainingEvent.Started(RUN, attempt, seq++, time(random), 0, 1000));
    for (int i = random.nextInt(4); i > 0; i--) {
      events.add(steps(attempt, seq++, time(random), seq, random.nextDouble()));
      events.add(saved(attempt, seq++, 100L * random.nextInt(3), "c" + random.nextInt(3)));
      events.add(
          new TrainingEvent.AdapterExported(
              RUN, attempt, seq++, time(random), artifact("e" + random.nextInt(3))));
      events.add(preview(attempt, seq++, 100L * random.nextInt(3), random.nextInt(2), random));
      events.add(
          new TrainingEvent.Validated(
              RUN, attempt, seq++, time(random), seq, random.nextDouble(), 0.1, 1, 0));
      switch (random.nextInt(5)) {
        case 0 -> events.add(new TrainingEvent.BatchReduced(RUN, attempt, seq++, at(1), 7, 2, 2));
        case 1 ->
            events.add(
                new TrainingEvent.RolledBack(RUN, attempt, seq++, at(2), 9, 5, 0.5, 1, "NaN"));
        case 2 -> events.add(new TrainingEvent.Paused(RUN, attempt, seq++, at(3), 9, null));
        case 3 -> events.add(new TrainingEvent.Resumed(RUN, attempt, seq++, at(4), 9));
        default -> {}
      }
      events.add(
          new TrainingEvent.ResumedInexactly(RUN, attempt, seq++, time(random), 1, "a", "b"));
    }
    switch (random.nextInt(5)) {
      case 0 -> events.add(new TrainingEvent.Failed(RUN, attempt, seq, time(random), BROKEN));
      case 1 -> events.add(new TrainingEvent.Cancelled(RUN, attempt, seq, time(random)));
      case 2, 3 -> events.add(trained(attempt, seq, time(random)));
      default -> {}
    }
  }

  private static Instant time(Random random) {
    return at(random.nextInt(60));
  }

  private static Instant at(long second) {
    return START.plusSeconds(second);
  }

  private static RunEvent.Submitted submitted() {
    return submitted(new RunRequest("mine", null, dataset(), null), List.of(Stage.values()), START);
  }

  private static RunEvent.Submitted submitted(RunRequest request, List<Stage> stages, Instant at) {
    return new RunEvent.Submitted(
        RUN, 1, 1, at, request, ref("request"), stages, List.of("a warning of " + request.name()));
  }

  private static DatasetSource dataset() {
    return new DatasetSource(
        "pictures",
        null,
        new LabelOptions(LabelOptions.Labeler.NONE, null, Map.of(), List.of(), 0.2, 3, null));
  }

  private static LabelEvent.Completed labelled(int attempt, long seq, Instant at) {
    return new LabelEvent.Completed(
        RUN,
        attempt,
        seq,
        at,
        "pictures",
        digest(attempt == 1 ? "version" : "version" + attempt),
        3,
        0,
        ref("manifest"));
  }

  private static TrainingEvent.StepsCompleted steps(
      int attempt, long seq, Instant at, long step, double loss) {
    return new TrainingEvent.StepsCompleted(
        RUN, attempt, seq, at, step, 1000, loss, 1e-4, 0.1, 0.5, 12);
  }

  private static TrainingEvent.CheckpointSaved saved(
      int attempt, long seq, long step, String content) {
    return new TrainingEvent.CheckpointSaved(RUN, attempt, seq, at(seq), step, 0.25, ref(content));
  }

  private static TrainingEvent.PreviewSaved preview(
      int attempt, long seq, long step, int number, Random random) {
    var name = "previews/step-%06d-%d.png".formatted(step, number);
    return new TrainingEvent.PreviewSaved(
        RUN, attempt, seq, time(random), step, "a cat", 7, new Artifact(name, ref(name + seq)));
  }

  private static TrainingEvent.Completed trained(int attempt, long seq, Instant at) {
    return new TrainingEvent.Completed(RUN, attempt, seq, at, 1000, 0.1, List.of(artifact("mine")));
  }

  private static Artifact artifact(String name) {
    return new Artifact("adapter/kohya/" + name + ".safetensors", ref(name));
  }

  private static ObjectRef ref(String content) {
    return new ObjectRef(
        StoreLayout.RUNS, StoreLayout.attempt(RUN, 1, content), content.length(), digest(content));
  }

  private static Sha256 digest(String content) {
    return new Sha256("%064x".formatted(content.hashCode() & 0xffffffffL));
  }

  private static Run fold(Event... events) {
    return fold(List.of(events));
  }

  private static Run fold(List<? extends Event> events) {
    var run = RunJoin.empty(RUN);
    for (var event : events) {
      run = RunJoin.join(run, event);
    }
    return run;
  }

  private static Run join(Run run, Event event) {
    return RunJoin.join(run, event);
  }

  @Test
  void keepsTheNewestCheckpointsOnlySoThatTheRecordStaysSmall() {
    var id = RunId.of("many", "checkpoints");
    var manifest =
        new flora.schemas.store.ObjectRef("b", "k", 1, new flora.schemas.Sha256("0".repeat(64)));
    var events = new java.util.ArrayList<Event>();
    for (int step = 1; step <= 3000; step++) {
      events.add(
          new TrainingEvent.CheckpointSaved(
              id, 1, step, java.time.Instant.EPOCH.plusSeconds(step), step, 0.1, manifest));
    }
    java.util.Collections.shuffle(events, new java.util.Random(7));

    var run = RunJoin.empty(id);
    for (var event : events) {
      run = RunJoin.join(run, event);
    }

    assertThat(run.checkpoints()).hasSize(200);
    assertThat(run.checkpoints().getFirst().step()).isEqualTo(2801);
    assertThat(run.checkpoints().getLast().step()).isEqualTo(3000);
    assertThat(flora.schemas.Json.bytes(run).length).isLessThan(200_000);
  }
}
