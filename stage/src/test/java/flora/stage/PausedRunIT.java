package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Control.Desired;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody asks a run to wait, and later to go on. */
class PausedRunIT {

  private static final Duration SOON = Duration.ofSeconds(40);

  @TempDir static Path folder;
  private static Rig rig;

  @BeforeAll
  static void start() throws Exception {
    rig = Rig.start(folder, Map.of());
  }

  @AfterEach
  void stopWorkers() {
    rig.stopWorkers();
  }

  @AfterAll
  static void stop() throws Exception {
    rig.close();
  }

  @Test
  void stopsWhereItIsAndGoesOnWhenItIsAskedAgain() throws Exception {
    var flow = new ScriptedFlow("one", rig.store);
    rig.worker("one", flow);
    var run = rig.submit("hold");
    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.FileVerified.class).isEmpty());

    rig.want(run, new Control(Desired.PAUSED, 1));

    await().atMost(SOON).until(() -> isPaused(run));
    assertThat(rig.events(run).getLast())
        .isInstanceOfSatisfying(
            FetchEvent.Paused.class,
            paused -> assertThat(paused.error().code()).isEqualTo(ErrorCode.RUN_PAUSED));
    assertThat(rig.head(run).ended()).isNull();
    assertThat(rig.records(Stage.LABEL.requests(), run)).isEmpty();

    rig.want(run, new Control(Desired.RUNNING, 2));
    ScriptedFlow.letGo(rig.store, run);
    rig.ask(run);

    await().atMost(SOON).until(() -> !rig.records(Stage.LABEL.requests(), run).isEmpty());
    var done = rig.events(run, FetchEvent.Completed.class);
    assertThat(done).singleElement().extracting(FetchEvent.Completed::attempt).isEqualTo(2);
    assertThat(flow.ran).hasSize(1);
  }

  @Test
  void aRunThatIsPausedInTheQueueSaysSoAndIsNotBegun() throws Exception {
    var run = rig.freeze("sleep-0");
    rig.want(run, new Control(Desired.PAUSED, 1));
    rig.ask(run);
    var flow = new ScriptedFlow("one", rig.store);
    rig.worker("one", flow);

    await().atMost(SOON).until(() -> isPaused(run));
    // the next record is worked on: this one is no longer in the way
    var after = rig.submit("sleep-0");
    await().atMost(SOON).until(() -> !rig.events(after, FetchEvent.Completed.class).isEmpty());

    assertThat(rig.events(run)).singleElement().isInstanceOf(FetchEvent.Paused.class);
    assertThat(flow.ran).extracting(ScriptedFlow.Ran::name).containsExactly("sleep-0");
  }

  @Test
  void aRunThatIsCancelledWhilePausedEndsWhenItIsAskedAgain() throws Exception {
    var run = rig.freeze("sleep-0");
    rig.want(run, new Control(Desired.PAUSED, 1));
    rig.ask(run);
    rig.worker("one", new ScriptedFlow("one", rig.store));
    await().atMost(SOON).until(() -> isPaused(run));

    rig.want(run, new Control(Desired.CANCELLED, 2));
    rig.ask(run);

    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Cancelled.class).isEmpty());
    assertThat(rig.events(run, FetchEvent.Completed.class)).isEmpty();
  }

  @Test
  void aFlowThatPausesItselfSeesWhatIsWantedAndHasTheLastWord() throws Exception {
    var flow = new Careful();
    rig.worker("one", flow);
    var run = rig.submit("careful");
    await().atMost(SOON).until(() -> flow.begun(run));

    rig.want(run, new Control(Desired.RUNNING, 1, 1L, 2L));
    await().atMost(SOON).until(() -> flow.seen.stream().anyMatch(c -> c.savesAsked() == 1));
    assertThat(flow.seen.getLast().previewsAsked()).isEqualTo(2);

    rig.want(run, new Control(Desired.PAUSED, 2, 1L, 2L));
    await().atMost(SOON).until(() -> isPaused(run));
    rig.want(run, new Control(Desired.RUNNING, 3, 1L, 2L));
    rig.ask(run);
    await().atMost(SOON).until(() -> rig.events(run).stream().anyMatch(e -> e.attempt() == 2));

    assertThat(rig.events(run, FetchEvent.Paused.class))
        .singleElement()
        .extracting(paused -> paused.error().message())
        .isEqualTo("all is safe");
    rig.cancel(run);
    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Cancelled.class).isEmpty());
  }

  private static boolean isPaused(RunId run) {
    return !rig.events(run, FetchEvent.Paused.class).isEmpty();
  }

  /** Works until it is told to pause, then says so itself. */
  private static final class Careful implements StageFlow {

    private final List<Control> seen = new CopyOnWriteArrayList<>();
    private final List<RunId> begun = new CopyOnWriteArrayList<>();

    boolean begun(RunId run) {
      return begun.contains(run);
    }

    @Override
    public Stage stage() {
      return Stage.FETCH;
    }

    @Override
    public boolean pausesItself() {
      return true;
    }

    @Override
    public Function<EventStamp, Event> run(RunRequest request, StageContext context)
        throws InterruptedException {
      begun.add(context.runId());
      context.publish(
          s -> new FetchEvent.Started(s.runId(), s.attempt(), s.seq(), s.at(), 1, List.of()));
      while (true) {
        context.proceed();
        seen.add(context.control());
        if (context.control().desired() == Desired.PAUSED) {
          var safe = new Failure(ErrorCode.RUN_PAUSED, "all is safe", null);
          context.publish(
              s -> new FetchEvent.Paused(s.runId(), s.attempt(), s.seq(), s.at(), safe));
          throw new StageContext.RunPaused(context.runId());
        }
        Thread.sleep(20);
      }
    }
  }
}
