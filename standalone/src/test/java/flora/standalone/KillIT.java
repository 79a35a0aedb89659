package flora.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.Throttle;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.run.Run;
import flora.standalone.client.GatewayClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One run through a process that is killed at every stage ends with the undisturbed one's bytes.
 */
class KillIT {

  private static final Duration LONG = Duration.ofSeconds(120);
  private static final List<String> IMAGES =
      List.of("rgb_square.png", "wide.png", "photo.jpg", "gray.png", "palette.png", "tall.png");

  @TempDir Path folder;

  @Test
  void killedInEveryStageItEndsWithTheByteIdenticalAdapter() throws Exception {
    try (var hub = TinyHub.start()) {
      Map<String, Sha256> undisturbed;
      try (var flora =
          FloraProcess.up(Files.createDirectories(folder.resolve("calm")), hub.endpoint())) {
        var id = submit(flora.client());
        undisturbed = artifacts(await(flora.client(), id, r -> r.status().isTerminal()));
        assertThat(flora.stop()).isZero();
      }
      assertThat(undisturbed).hasSizeGreaterThanOrEqualTo(4);

      hub.throttle(Throttle.NONE.link(200_000));
      var data = Files.createDirectories(folder.resolve("stormy"));
      RunId id;
      try (var flora = FloraProcess.up(data, hub.endpoint())) {
        id = submit(flora.client());
        await(
            flora.client(),
            id,
            r -> isRunning(r, Stage.FETCH) && r.stages().get(Stage.FETCH).done() > 0);
        flora.kill();
      }
      hub.throttle(Throttle.NONE);
      try (var flora = FloraProcess.up(data, hub.endpoint())) {
        await(flora.client(), id, r -> isRunning(r, Stage.LABEL) || passed(r, Stage.LABEL));
        flora.kill();
      }
      try (var flora = FloraProcess.up(data, hub.endpoint())) {
        await(flora.client(), id, r -> !r.checkpoints().isEmpty());
        flora.kill();
      }
      try (var flora = FloraProcess.up(data, hub.endpoint())) {
        await(flora.client(), id, r -> r.checkpoints().size() >= 5 || !r.artifacts().isEmpty());
        flora.kill();
      }
      try (var flora = FloraProcess.up(data, hub.endpoint())) {
        var run = await(flora.client(), id, r -> r.status().isTerminal());

        assertThat(run.status())
            .as(() -> String.valueOf(run.error()))
            .isEqualTo(Run.Status.SUCCEEDED);
        assertThat(run.stages().get(Stage.TRAIN).attempt()).isGreaterThan(1);
        assertThat(artifacts(run)).isEqualTo(undisturbed);
        assertThat(flora.client().runs(10)).hasSize(1);
        assertThat(flora.stop()).isZero();
      }
    }
  }

  private static RunId submit(GatewayClient client) throws Exception {
    for (var image : IMAGES) {
      client.putImage("pets", image, TinyHub.PARITY.resolve("images").resolve(image));
    }
    var config = TinyHub.config("pets-lora", "pets", 60, 10);
    return client.submit(config.getBytes(StandardCharsets.UTF_8), "application/yaml").id();
  }

  private static boolean isRunning(Run run, Stage stage) {
    return run.stages().get(stage).status() == flora.schemas.run.StageState.Status.RUNNING;
  }

  private static boolean passed(Run run, Stage stage) {
    return run.stages().get(stage).status().isTerminal();
  }

  private static Run await(GatewayClient client, RunId id, Predicate<Run> until) {
    return Awaitility.await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> client.run(id), until::test);
  }

  private static Map<String, Sha256> artifacts(Run run) {
    return run.artifacts().stream()
        .filter(a -> a.name().startsWith("adapter/"))
        .collect(Collectors.toMap(Run.RunArtifact::name, Run.RunArtifact::sha256));
  }
}
