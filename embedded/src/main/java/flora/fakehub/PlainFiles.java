package flora.fakehub;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/** {@link Shape#PLAIN_FILES}: what a web server makes of a folder. */
final class PlainFiles {

  private static final String ROOT = "/hugging-face/models/";
  private static final String LAST_MODIFIED = "Mon, 01 Jan 2024 00:00:00 GMT";

  private final FakeHub hub;
  private final FileBytes bytes;

  PlainFiles(FakeHub hub, FileBytes bytes) {
    this.hub = hub;
    this.bytes = bytes;
  }

  void answer(Exchange exchange) throws IOException {
    var path =
        URLDecoder.decode(exchange.uri().getRawPath().replace("+", "%2B"), StandardCharsets.UTF_8);
    int root = path.indexOf(ROOT);
    if (root >= 0) {
      var rest = path.substring(root + ROOT.length());
      for (int slash = rest.indexOf('/'); slash > 0; slash = rest.indexOf('/', slash + 1)) {
        var repo = hub.find(FakeRepo.Type.MODEL, rest.substring(0, slash)).orElse(null);
        var blob =
            repo == null
                ? null
                : hub.tree(repo, "main").orElseThrow().files().get(rest.substring(slash + 1));
        if (blob != null) {
          exchange.answerHeaders().put("Last-Modified", LAST_MODIFIED);
          bytes.answer(exchange, rest.substring(slash + 1), blob, null, 206);
          return;
        }
      }
    }
    exchange.answerHeaders().put("Content-Type", "text/html");
    exchange.send(404, "<html><h1>404 Not Found</h1></html>".getBytes(StandardCharsets.US_ASCII));
  }
}
