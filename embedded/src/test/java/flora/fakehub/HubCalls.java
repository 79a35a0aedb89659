package flora.fakehub;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Plain GETs that follow nothing. */
final class HubCalls implements AutoCloseable {

  private final HttpClient http = HttpClient.newHttpClient();
  private final FakeHub hub;

  HubCalls(FakeHub hub) {
    this.hub = hub;
  }

  HttpResponse<byte[]> get(String path) throws Exception {
    return get(URI.create(hub.endpoint() + path), null);
  }

  HttpResponse<byte[]> get(URI uri, String range) throws Exception {
    var request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20));
    if (range != null) {
      request.header("Range", range);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  /** Where the bytes of a large file are just now. */
  URI content(String repo, String file) throws Exception {
    return URI.create(location(get("/" + repo + "/resolve/main/" + file)));
  }

  static String location(HttpResponse<?> answer) {
    return header(answer, "Location");
  }

  static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  static String text(HttpResponse<byte[]> answer) {
    return new String(answer.body(), StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
