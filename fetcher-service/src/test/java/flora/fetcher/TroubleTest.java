package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.hub.HubClient;
import flora.hub.HubException;
import flora.hub.HubSettings;
import flora.hub.RetryPolicy;
import flora.hub.plan.PlanException;
import flora.schemas.ErrorCode;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a run says when not all is as it should be: files left out, nobody there. */
class TroubleTest {

  private static final String MODEL =
      "model: {base_model: flora/words, ignore_patterns: ['*.safetensors']}";

  private final FakeHub hub = FakeHub.start(0);
  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final HubClient client =
      new HubClient(
          HubSettings.of(hub.endpoint()),
          new RetryPolicy(2, Duration.ofMillis(1), Duration.ofSeconds(1)),
          Clock.systemUTC());
  private final FetcherFlow flow = Flows.of(client, store);
  private final RecordingContext context = new RecordingContext();

  @BeforeEach
  void start() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    hub.add(
        FakeRepo.model("flora/words")
            .file("config.json", "{}")
            .file("tokenizer.json", "{\"a\": 1}")
            .noise("model.safetensors", 1_000_000));
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  private static RunRequest request(String yaml) {
    return RequestReader.read(yaml.getBytes(StandardCharsets.UTF_8), ContentKind.YAML).request();
  }

  @Test
  void endsATrainingBeforeTheFirstByte() {
    var training =
        request("{%s, dataset: {name: pictures}, train: {task: text-to-image}}".formatted(MODEL));

    assertThatThrownBy(() -> flow.run(training, context))
        .isInstanceOf(PlanException.FilteredOut.class)
        .hasMessageContaining("model.safetensors");

    assertThat(hub.sent()).isEmpty();
    assertThat(context.events).isEmpty();
    try (var objects = store.list(StoreLayout.MODELS, "")) {
      assertThat(objects).isEmpty();
    }
  }

  @Test
  void isAWarningOfAMirror() throws Exception {
    var completed = context.say(flow.run(request("{%s}".formatted(MODEL)), context));

    assertThat(completed).isInstanceOf(FetchEvent.Completed.class);
    assertThat(context.events(FetchEvent.Started.class).getFirst().warnings())
        .singleElement()
        .asString()
        .contains("flora/words", "model.safetensors");
    assertThat(hub.bytesSent(".safetensors")).isZero();
  }

  /** The stage tries again by itself; whoever watches should not have to guess at the silence. */
  @Test
  void saysWhatItWaitsForWhileNobodyAnswers() {
    hub.die();

    assertThatThrownBy(() -> flow.run(request("{%s}".formatted(MODEL)), context))
        .isInstanceOf(HubException.Unreachable.class);

    assertThat(context.events(FetchEvent.Paused.class))
        .singleElement()
        .matches(e -> e.error().code() == ErrorCode.HUB_UNREACHABLE);
  }
}
