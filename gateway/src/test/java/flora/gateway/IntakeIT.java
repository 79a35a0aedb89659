package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two gateways look into the same folders. */
class IntakeIT {

  private static final Platform PLATFORM = Platform.get();
  private static final Duration QUIET = Duration.ofMillis(500);
  private static Gateway one;
  private static Gateway two;
  private static ObjectStore store;

  @BeforeAll
  static void start() {
    one = PLATFORM.gateway("--gateway.instance=one", "--gateway.intake.enabled=true");
    two = PLATFORM.gateway("--gateway.instance=two", "--gateway.intake.enabled=true");
    store = PLATFORM.storeOf(one);
  }

  @AfterAll
  static void stop() {
    one.close();
    two.close();
  }

  @Test
  void twoGatewaysMakeOneRunOfADroppedFolder() {
    drop("twice", "a.png", "a");
    drop("twice", "b.jpg", "b");

    var run = only("twice");
    waitLong();

    assertThat(runs("twice")).hasSize(1);
    assertThat(Objects.requireNonNull(run.request()).dataset()).isNotNull();
    assertThat(run.request().train()).isNull();
    assertThat(run.stages().get(Stage.LABEL).status()).isEqualTo(StageState.Status.PENDING);
    assertThat(PLATFORM.records(Topics.RUN_EVENTS, run.id().value()))
        .extracting(r -> new String(r.value(), StandardCharsets.UTF_8))
        .containsOnly(
            new String(
                PLATFORM.records(Topics.RUN_EVENTS, run.id().value()).getFirst().value(),
                StandardCharsets.UTF_8));
  }

  @Test
  void waitsUntilTheFolderIsQuiet() throws InterruptedException {
    for (int i = 0; i < 8; i++) {
      drop("slow", "%d.png".formatted(i), "picture");
      Thread.sleep(QUIET.toMillis() / 3);
    }

    only("slow");
    waitLong();

    assertThat(runs("slow")).hasSize(1);
  }

  @Test
  void aFolderThatChangedBecomesAnotherRun() {
    drop("grows", "a.png", "a");
    only("grows");

    drop("grows", "b.png", "b");

    await().atMost(Duration.ofSeconds(15)).until(() -> runs("grows").size() == 2);
  }

  @Test
  void theFolderSaysWhatToDo() {
    drop("asked", "flora.yaml", "dataset: {label: {labeler: none, trigger_word: zkw}}");
    drop("asked", "a.png", "a");

    var run = only("asked");

    assertThat(run.request().dataset().label().rules().triggerWord()).isEqualTo("zkw");
    assertThat(run.stages().get(Stage.FETCH).status()).isEqualTo(StageState.Status.SKIPPED);
    assertThat(PLATFORM.records(Topics.LABEL_REQUESTS, run.id().value())).isNotEmpty();
  }

  @Test
  void aBadRequestInTheFolderIsAFailedRunThatSaysWhyOnce() {
    drop("wrong", "a.png", "a");
    drop("wrong", "flora.yaml", "dataset: {lable: {labeler: none}}");

    var run = only("wrong");
    waitLong();

    assertThat(run.status()).isEqualTo(Run.Status.FAILED);
    assertThat(run.error().code()).isEqualTo(ErrorCode.REQUEST_INVALID);
    assertThat(run.error().message()).contains("flora.yaml", "/dataset/lable");
    assertThat(runs("wrong")).hasSize(1);
    assertThat(PLATFORM.records(Topics.LABEL_REQUESTS, run.id().value())).isEmpty();
  }

  @Test
  void aFolderWithoutAProperNameIsAFailedRun() {
    drop("My Holiday", "a.png", "a");

    var run = only("dropped");

    assertThat(run.status()).isEqualTo(Run.Status.FAILED);
    assertThat(run.error().message()).contains("name");
  }

  @Test
  void leavesAFolderWithoutPicturesAlone() {
    drop("empty", "readme.md", "nothing");
    waitLong();

    assertThat(runs("empty")).isEmpty();
  }

  @Test
  void leavesUploadsToTheirRuns() {
    one.put("/v1/datasets/driven/images/a.png", new byte[] {1});
    waitLong();
    assertThat(runs("driven")).isEmpty();

    one.submit("{name: driven, dataset: {name: driven, label: {labeler: none}}}");
    waitLong();
    assertThat(runs("driven")).hasSize(1);
  }

  @Test
  void startsNoSecondRunForFilesThatARunWasAskedFor() {
    drop("mine", "a.png", "a");
    one.submit("{name: mine, dataset: {name: mine, label: {labeler: none}}}");
    waitLong();
    assertThat(runs("mine")).hasSize(1);

    drop("mine", "b.png", "b");
    await().atMost(Duration.ofSeconds(15)).until(() -> runs("mine").size() == 2);
  }

  private static void drop(String folder, String file, String content) {
    store.put(
        StoreLayout.DATASETS,
        "incoming/" + folder + "/" + file,
        content.getBytes(StandardCharsets.UTF_8),
        "application/octet-stream");
  }

  private static Run only(String name) {
    return await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> runs(name), found -> found.size() == 1)
        .getFirst();
  }

  private static List<Run> runs(String name) {
    return runsOf(two, name);
  }

  private static List<Run> runsOf(Gateway gateway, String name) {
    return json(gateway.get("/v1/runs?limit=100"))
        .path("data")
        .valueStream()
        .map(node -> Json.mapper().treeToValue(node, Run.class))
        .filter(run -> name.equals(run.name()))
        .toList();
  }

  /** Long enough for several looks. */
  private static void waitLong() {
    try {
      Thread.sleep(QUIET.multipliedBy(3));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
