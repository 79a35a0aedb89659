package flora.standalone.compose;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

class ComposeFileTest {

  private static final Path OURS = Path.of("..", "docker-compose.yml");

  @Test
  void startsEachServiceAfterThoseItNeeds() throws Exception {
    var file = ComposeFile.read(OURS, Map.of());

    assertThat(file.services().keySet())
        .containsExactly("kafka", "minio", "fetcher", "labeler", "trainer", "gateway");
    assertThat(file.service("minio").dependsOn()).containsExactly("kafka");
    assertThat(file.service("trainer").build()).isEqualTo("trainer-service");
  }

  /** What Docker alone reads is looked up as it stands there. */
  @Test
  void aTrainerWithAGpuStartsOnlyByItsProfile() throws Exception {
    var file = ComposeFile.read(OURS, Map.of("FLORA_S3_SECRET_KEY", "mine"), Set.of("gpu"));

    assertThat(file.services().keySet())
        .containsExactly(
            "kafka", "minio", "fetcher", "labeler", "trainer", "trainer-gpu", "gateway");
    var trainer = file.service("trainer-gpu");
    assertThat(trainer.build()).isEqualTo("trainer-service");
    assertThat(trainer.environment()).isEqualTo(file.service("trainer").environment());
    assertThat(trainer.dependsOn()).isEqualTo(file.service("trainer").dependsOn());
    Map<String, Object> root = new Yaml().load(Files.readString(OURS));
    var written = part(part(root, "services"), "trainer-gpu");
    var target = String.valueOf(part(written, "build").get("target"));
    assertThat(part(part(part(written, "deploy"), "resources"), "reservations").toString())
        .contains("nvidia", "gpu");
    assertThat(part(root, "volumes")).containsKey("trainer-gpu");
    var dockerfile = Files.readString(Path.of("..", "deploy", "Dockerfile"));
    assertThat(dockerfile.lines().filter(line -> line.startsWith("FROM ")))
        .contains("FROM runtime AS " + target)
        .last()
        .isEqualTo("FROM runtime AS service");
    assertThat(dockerfile)
        .contains("ENV PYTORCH_LIBRARY_PATH=/opt/libtorch/torch/lib")
        .contains("PYTORCH_FLAVOR=cu128", "CUBLAS_WORKSPACE_CONFIG=:4096:8")
        .contains("PYTORCH_VERSION=" + libraries());
  }

  /** The version of PyTorch whose libraries the project is built with. */
  private static String libraries() throws Exception {
    var pom = Files.readString(Path.of("..", "pom.xml"));
    var version = Pattern.compile("<pytorch-native\\.version>([^<]+)</pytorch").matcher(pom);
    assertThat(version.find()).isTrue();
    return version.group(1);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> part(Map<String, Object> map, String key) {
    return (Map<String, Object>) map.get(key);
  }

  @Test
  void fillsInVariablesAsComposeDoes() throws Exception {
    var file = ComposeFile.read(OURS, Map.of("FLORA_S3_SECRET_KEY", "mine", "HF_TOKEN", ""));

    assertThat(file.service("fetcher").environment())
        .containsEntry("STORE_SECRET_KEY", "mine")
        .containsEntry("STORE_ACCESS_KEY", "flora")
        .containsEntry("HF_TOKEN", "");
    assertThat(file.service("minio").environment()).containsEntry("MINIO_ROOT_PASSWORD", "mine");
  }

  @Test
  void passesHubAndProxiesThroughToWhoeverFetches() throws Exception {
    var file =
        ComposeFile.read(
            OURS, Map.of("HF_ENDPOINT", "http://mirror/hf", "HTTPS_PROXY", "http://proxy:3128"));

    assertThat(file.service("fetcher").environment())
        .containsEntry("HF_ENDPOINT", "http://mirror/hf")
        .containsEntry("HTTPS_PROXY", "http://proxy:3128");
  }
}
