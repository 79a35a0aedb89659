package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.schemas.ErrorCode;
import flora.schemas.EventStamp;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.request.TrainingPlan;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.store.s3.S3ObjectStore;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trainings that begin with the adapter of another one. */
class InitAdapterIT {

  private static final TrainingPlan.StableDiffusionLora PLAN =
      TinyRun.with(TinyRun.PLAN, "{'max_train_steps': 3, 'train_text_encoder': true}");

  @TempDir static Path shared;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;
  private static RunId before;
  private static Completed trained;

  @TempDir Path folder;

  @BeforeAll
  static void trainWhatIsBegunWith() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(shared.resolve("s3")).withPort(0));
    store = TinyRun.connect(s3.endpoint().toString(), s3.accessKey(), s3.secretKey());
    var context = context("before");
    before = context.runId();
    trained = train(context, PLAN, shared);
    context.updateHead(head -> head.with(trained));
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
  }

  /** At a rate that changes nothing. */
  @Test
  void whatIsHandedOutIsWhatItBeganWithAndWhatWasLearnedSince() {
    var kohya = trained.artifacts().getFirst().object();
    for (var reference : List.of(before.value(), "s3://flora-runs/" + kohya.key())) {
      var keys = "{'init_adapter': '%s', 'learning_rate': 1e-50}".formatted(reference);
      var still = train(context(reference), TinyRun.with(PLAN, keys), folder);
      assertThat(matrices(still)).isEqualTo(matrices(trained)).hasSize(2);
    }

    var begun = context("begun");
    train(begun, TinyRun.with(PLAN, "{'init_adapter': '" + before.value() + "'}"), folder);
    var anew = context("anew");
    train(anew, PLAN, folder);
    assertThat(begun.events(StepsCompleted.class).getFirst().loss())
        .isNotEqualTo(anew.events(StepsCompleted.class).getFirst().loss());
  }

  @Test
  void anAbortedOneEndsWithTheSameBytes() {
    var plan = TinyRun.with(PLAN, "{'init_adapter': '" + before.value() + "', 'save_steps': 2}");
    var whole = TinyRun.adapter(train(context("whole"), plan, folder));
    var first = context("aborted");
    first.onProceed(
        () -> {
          if (!first.events(CheckpointSaved.class).isEmpty()) {
            throw new IllegalStateException("power cut");
          }
        });

    assertThatThrownBy(() -> train(first, plan, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, first.runId(), 2);

    assertThat(TinyRun.adapter(train(second, plan, folder))).isEqualTo(whole);
    assertThat(second.events(StepsCompleted.class)).hasSizeLessThan(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'lora_rank': 2}|has rank 4 and alpha 8.0, the request says rank 2 and alpha 8.0",
        "{'lora_alpha': 4}|has rank 4 and alpha 8.0, the request says rank 4 and alpha 4.0",
        "{'target_modules': ['to_q']}|layers of the unet, the request",
        "{'train_text_encoder': false}|it is for the text_encoder, too, which does not learn"
      })
  void oneOfAnotherShapeIsRefused(String keys, String message) {
    var plan = TinyRun.with(TinyRun.with(PLAN, "{'init_adapter': '" + before.value() + "'}"), keys);

    assertThatThrownBy(() -> train(context("unfit " + keys), plan, folder))
        .isInstanceOfSatisfying(
            PipelineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID))
        .hasMessageContaining(message);
  }

  @Test
  void oneThatIsNotThereIsNamed() {
    for (var missing : List.of(RunId.of("nobody").value(), "s3://flora-models/no.safetensors")) {
      var plan = TinyRun.with(PLAN, "{'init_adapter': '" + missing + "'}");
      assertThatThrownBy(() -> train(context("missing"), plan, folder))
          .isInstanceOfSatisfying(
              PipelineException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.ARTIFACT_NOT_FOUND))
          .hasMessageContaining(missing.replace("s3://flora-models/", ""));
    }
  }

  /** Digests of the files that hold nothing but matrices and origin. */
  private static Map<String, Sha256> matrices(Completed completed) {
    var files = TinyRun.adapter(completed);
    files.keySet().removeIf(name -> !name.endsWith("adapter_model.safetensors"));
    return files;
  }

  private static RecordingContext context(String name) {
    var run = new TinyRun(store, RunId.of("init", name)).prepare(5);
    return new RecordingContext(store, run.id(), 1);
  }

  private static Completed train(RecordingContext context, TrainingPlan plan, Path folder) {
    var flow = TinyRun.flow(store, folder, TrainerApplication.thisMachine());
    var done = flow.run(new TinyRun(store, context.runId()).request(plan), context);
    return (Completed)
        done.apply(new EventStamp(context.runId(), context.attempt(), 99, Instant.EPOCH));
  }
}
