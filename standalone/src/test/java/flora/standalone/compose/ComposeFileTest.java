package flora.standalone.compose;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

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
