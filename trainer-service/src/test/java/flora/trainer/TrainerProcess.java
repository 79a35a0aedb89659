package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import flora.embedded.EmbeddedS3;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.training.TrainingEvent;
import flora.schemas.training.TrainingEvent.AdapterExported;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** A trainer in a process of its own, to be killed: prints one line an event. */
final class TrainerProcess {

  private TrainerProcess() {}

  /** Trains in a process of its own and kills it, by signal 9, at a line that it prints. */
  static void killedAt(String line, EmbeddedS3 s3, RunId run, String plan, Path folder)
      throws Exception {
    var process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx512m",
                "-Dai.djl.offline=true",
                "-Dai.djl.pytorch.num_threads=" + TrainerApplication.thisMachine().threads(),
                "-cp",
                System.getProperty("java.class.path"),
                TrainerProcess.class.getName(),
                s3.endpoint().toString(),
                s3.accessKey(),
                s3.secretKey(),
                run.value(),
                Files.createDirectories(folder.resolve("process")).toString(),
                plan)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      var seen = output.readLine();
      while (seen != null && !seen.equals(line)) {
        seen = output.readLine();
      }
      assertThat(seen).isEqualTo(line);
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).isEqualTo(128 + 9);
  }

  public static void main(String[] arguments) {
    var store = TinyRun.connect(arguments[0], arguments[1], arguments[2]);
    var run = new RunId(arguments[3]);
    var flow = TinyRun.flow(store, Path.of(arguments[4]), TrainerApplication.thisMachine());
    var context =
        new RecordingContext(store, run, 1) {
          private int exported;

          @Override
          public void publish(Function<EventStamp, Event> event) {
            super.publish(event);
            switch ((TrainingEvent) events().getLast()) {
              case StepsCompleted e -> System.out.println("StepsCompleted " + e.step());
              case CheckpointSaved e -> System.out.println("CheckpointSaved " + e.step());
              case AdapterExported _ -> System.out.println("AdapterExported " + ++exported);
              default -> {}
            }
            System.out.flush();
          }

          @Override
          public void proceed() {
            // slow enough that the signal arrives before the next piece of work
            try {
              Thread.sleep(60);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    var plan = arguments[5].equals("varied") ? VariedRunIT.PLAN : TinyRun.PLAN;
    flow.run(new TinyRun(store, run).request(plan), context);
    store.close();
  }
}
