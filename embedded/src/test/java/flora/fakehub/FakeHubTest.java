package flora.fakehub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FakeHubTest {

  private final FakeHub hub = FakeHub.start(0, "/hub");
  private final HttpClient http = HttpClient.newHttpClient();
  private final FakeRepo repo =
      FakeRepo.model("flora/tiny")
          .file("model_index.json", "{}")
          .noise("unet/diffusion_pytorch_model.safetensors", 200_000)
          .withTwins();

  @AfterEach
  void stop() {
    http.close();
    hub.close();
  }

  @Test
  void redirectsSmallFilesWithinItselfAndLargeOnesToTheContentNetwork() throws Exception {
    hub.add(repo);

    var small = get("/flora/tiny/resolve/main/model_index.json");
    var large = get("/flora/tiny/resolve/main/unet/diffusion_pytorch_model.safetensors");

    assertThat(small.statusCode()).isEqualTo(307);
    assertThat(small.headers().firstValue("Location").orElseThrow()).startsWith("/hub/api/");
    assertThat(large.statusCode()).isEqualTo(302);
    assertThat(large.headers().firstValue("X-Linked-Size")).contains("200000");
    assertThat(large.headers().firstValue("X-Linked-ETag"))
        .contains('"' + repo.sha256("unet/diffusion_pytorch_model.safetensors") + '"');
    assertThat(large.headers().firstValue("X-Repo-Commit")).contains(repo.commitOf("main"));
    var location = URI.create(large.headers().firstValue("Location").orElseThrow());
    assertThat(get(location).body()).hasSize(200_000);
    assertThat(get(URI.create(location.toString().replaceAll("\\?.*", ""))).statusCode())
        .isEqualTo(403);
  }

  @Test
  void pagesItsTrees() throws Exception {
    hub.add(repo).pageSize(4);

    var paths = new HashSet<String>();
    var next = "/api/models/flora/tiny/tree/main?recursive=true";
    int pages = 0;
    for (; next != null; pages++) {
      var page = get(next);
      var found = java.util.regex.Pattern.compile("\"path\":\"([^\"]+)\"").matcher(text(page));
      while (found.find()) {
        assertThat(paths.add(found.group(1))).isTrue();
      }
      next =
          page.headers()
              .firstValue("Link")
              .map(link -> link.substring(link.indexOf("/api/"), link.indexOf('>')))
              .orElse(null);
    }

    assertThat(paths).containsAll(repo.paths());
    assertThat(pages).isGreaterThan(4);
  }

  @Test
  void saysWhatIsMissingAsTheHubDoes() throws Exception {
    hub.add(repo).add(FakeRepo.model("flora/gate").file("a.txt", "a").gated("right"));

    assertThat(get("/api/models/flora/none").statusCode()).isEqualTo(401);
    assertThat(code(get("/api/models/flora/tiny/revision/none"))).isEqualTo("RevisionNotFound");
    assertThat(code(get("/flora/tiny/resolve/main/none"))).isEqualTo("EntryNotFound");
    assertThat(code(get("/flora/gate/resolve/main/a.txt"))).isEqualTo("GatedRepo");
    assertThat(get("/flora/tinyresolve").statusCode()).isEqualTo(404);
  }

  @Test
  void misbehavesAsOftenAsItIsTold() throws Exception {
    var file = "unet/diffusion_pytorch_model.safetensors";
    hub.add(repo)
        .fault("/api/models/", new Fault.Status(429, Map.of("Retry-After", "3")), 1)
        .fault(file, new Fault.WrongByte(5), 1)
        .fault(file, new Fault.Cut(1000), 1);
    var location =
        URI.create(get("/flora/tiny/resolve/main/" + file).headers().firstValue("Location").get());

    assertThat(get("/api/models/flora/tiny").headers().firstValue("Retry-After")).contains("3");
    assertThat(get("/api/models/flora/tiny").statusCode()).isEqualTo(200);
    var wrong = get(location).body();
    assertThatThrownBy(() -> get(location)).isInstanceOf(IOException.class);
    var right = get(location).body();
    wrong[5] ^= 1;
    assertThat(wrong).isEqualTo(right);
    var part = get(location, "bytes=10-19");
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo(java.util.Arrays.copyOfRange(right, 10, 20));
  }

  private HttpResponse<byte[]> get(String path) throws Exception {
    return get(URI.create(hub.endpoint() + path));
  }

  private HttpResponse<byte[]> get(URI uri, String... range) throws Exception {
    var request = HttpRequest.newBuilder(uri);
    for (var value : range) {
      request.header("Range", value);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private static String code(HttpResponse<byte[]> answer) {
    return answer.headers().firstValue("X-Error-Code").orElse("");
  }

  private static String text(HttpResponse<byte[]> answer) {
    return new String(answer.body(), java.nio.charset.StandardCharsets.UTF_8);
  }
}
