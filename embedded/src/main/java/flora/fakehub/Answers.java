package flora.fakehub;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** The plain answers: JSON, redirects, errors with the hub's headers. */
final class Answers {

  private static final JsonMapper JSON = new JsonMapper();

  private Answers() {}

  static void json(HttpExchange exchange, int status, Object value) throws IOException {
    var bytes = JSON.writeValueAsBytes(value);
    var headers = exchange.getResponseHeaders();
    headers.set("Content-Type", "application/json; charset=utf-8");
    if (exchange.getRequestMethod().equals("HEAD")) {
      headers.set("Content-Length", Integer.toString(bytes.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, bytes.length);
    try (var out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  static void error(HttpExchange exchange, int status, @Nullable String code, String message)
      throws IOException {
    if (code != null) {
      exchange.getResponseHeaders().set("X-Error-Code", code);
    }
    exchange.getResponseHeaders().set("X-Error-Message", message);
    json(exchange, status, Map.of("error", message));
  }

  static void redirect(HttpExchange exchange, int status, String location) throws IOException {
    exchange.getResponseHeaders().set("Location", location);
    exchange.sendResponseHeaders(status, -1);
  }

  static @Nullable String token(HttpExchange exchange) {
    var authorization = exchange.getRequestHeaders().getFirst("Authorization");
    return authorization != null && authorization.startsWith("Bearer ")
        ? authorization.substring("Bearer ".length())
        : null;
  }

  /** As the hub does: without a token nobody learns whether a repository is hidden or missing. */
  static void noSuchRepo(HttpExchange exchange) throws IOException {
    if (token(exchange) == null) {
      error(exchange, 401, "RepoNotFound", "Invalid username or password.");
    } else {
      error(exchange, 404, "RepoNotFound", "Repository not found");
    }
  }
}
