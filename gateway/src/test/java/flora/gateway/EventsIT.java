package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Topics;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.RunJoin;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EventsIT {

  private static final Platform PLATFORM = Platform.get();
  private static final String WHOLE =
      "{name: whole, model: {base_model: a/b}, dataset: {name: event-pictures, label: {labeler:"
          + " none}}, train: {task: text-to-image, lora_rank: 4}}";
  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = PLATFORM.shared();
    gateway.put("/v1/datasets/event-pictures/images/a.png", new byte[] {1});
  }

  @Test
  void everyEventTwiceAndOutOfOrderGivesTheRecordOfTheStory() {
    var run = gateway.submit(WHOLE);
    var story = Stories.whole(run.id());
    var twice = new ArrayList<>(story);
    twice.addAll(story);
    Collections.shuffle(twice, new Random(7));
    // the junk that any topic may hold
    PLATFORM.send(Topics.LABEL_EVENTS, run.id().value(), "{\"type\":\"no".getBytes());
    PLATFORM.send(Topics.FETCH_EVENTS, "somebody", Json.bytes(story.getFirst()));

    twice.forEach(PLATFORM::tell);

    var expected = RunJoin.empty(run.id());
    for (var said : PLATFORM.records(Topics.RUN_EVENTS, run.id().value())) {
      expected = RunJoin.join(expected, Json.read(said.value(), RunEvent.class));
    }
    for (var event : story) {
      expected = RunJoin.join(expected, event);
    }
    assertThat(expected.status()).isEqualTo(Run.Status.SUCCEEDED);
    var whole = expected;
    assertThat(gateway.await(run.id(), whole::equals)).isEqualTo(whole);
    var newest = PLATFORM.records(Topics.RUNS, run.id().value()).getLast().value();
    assertThat(Json.read(newest, Run.class)).isEqualTo(whole);
  }

  @Test
  void replaysARunThatIsOverAndEnds() {
    var run = finished();

    var lines = gateway.events(run, true);

    assertThat(names(lines))
        .containsExactly(
            "run.submitted",
            "fetch.started",
            "fetch.progressed",
            "fetch.completed",
            "label.started",
            "label.started",
            "label.progressed",
            "label.completed",
            "train.started",
            "train.steps_completed",
            "train.checkpoint_saved",
            "train.completed");
    assertThat(values(lines, "id: ")).doesNotHaveDuplicates().contains(run + "/train/1/2");
    assertThat(values(lines, "data: ").getLast()).contains("\"type\":\"completed\"");
  }

  @Test
  void goesOnBehindTheLastEventThatTheClientSaw() {
    var run = finished();

    var lines = gateway.events(run, false, "Last-Event-ID", run + "/train/1/2");

    assertThat(values(lines, "id: "))
        .contains(run + "/train/1/3", run + "/train/1/4")
        .doesNotContain(run + "/train/1/1", run + "/train/1/2");
  }

  @Test
  void toldLiveItBeatsWhileNothingHappensAndEndsWithTheRun() {
    var run = gateway.submit("{name: live, model: {base_model: a/b}}");
    var stream = CompletableFuture.supplyAsync(() -> gateway.events(run.id(), true));
    sleep(1500);
    assertThat(stream).isNotDone();

    PLATFORM.tell(Stories.fetchStarted(run.id(), java.time.Instant.now()));
    PLATFORM.tell(Stories.fetched(run.id()));

    var lines = stream.orTimeout(20, java.util.concurrent.TimeUnit.SECONDS).join();
    assertThat(names(lines)).containsExactly("run.submitted", "fetch.started", "fetch.completed");
    assertThat(lines).contains(": heartbeat");
  }

  @Test
  void withoutFollowingItEndsAtOnce() {
    var run = gateway.submit("{name: brief, model: {base_model: a/b}}");

    assertThat(names(gateway.events(run.id(), false))).containsExactly("run.submitted");
  }

  private static RunId finished() {
    var run = gateway.submit(WHOLE);
    Stories.whole(run.id()).forEach(PLATFORM::tell);
    gateway.await(run.id(), r -> r.status() == Run.Status.SUCCEEDED);
    return run.id();
  }

  private static List<String> names(List<String> lines) {
    return values(lines, "event: ");
  }

  private static List<String> values(List<String> lines, String field) {
    return lines.stream()
        .filter(l -> l.startsWith(field))
        .map(l -> l.substring(field.length()))
        .toList();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
