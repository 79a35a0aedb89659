package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class DemoHubTest {

  @Test
  void listsTheTwinsOfRealRepositoriesAndCountsWhatIsDownloaded(@TempDir Path folder)
      throws Exception {
    try (var hub = DemoHub.start(folder);
        var http = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build()) {
      var info =
          http.send(request(hub, "/api/models/flora-demo/shapes-sd"), BodyHandlers.ofByteArray());
      var names =
          Json.read(info.body(), JsonNode.class)
              .path("siblings")
              .valueStream()
              .map(file -> file.path("rfilename").asString())
              .toList();
      assertThat(names)
          .contains(
              "unet/diffusion_pytorch_model.safetensors",
              "unet/diffusion_pytorch_model.bin",
              "vae/diffusion_pytorch_model.fp16.safetensors",
              "safety_checker/model.safetensors",
              "v1-5-pruned.ckpt");
      assertThat(hub.listed()).isGreaterThan(names.size());
      assertThat(hub.downloaded()).isEmpty();

      var weights =
          http.send(
              request(
                  hub,
                  "/flora-demo/shapes-sd/resolve/main/unet/diffusion_pytorch_model.safetensors"),
              BodyHandlers.ofByteArray());
      assertThat(weights.statusCode()).isEqualTo(200);
      assertThat(weights.body())
          .isEqualTo(Bundle.bytes("shapes-sd/unet/diffusion_pytorch_model.safetensors"));
      assertThat(hub.downloaded())
          .containsExactly("flora-demo/shapes-sd/unet/diffusion_pytorch_model.safetensors");
    }
  }

  private static HttpRequest request(DemoHub hub, String path) {
    return HttpRequest.newBuilder(URI.create(hub.endpoint() + path)).build();
  }
}
