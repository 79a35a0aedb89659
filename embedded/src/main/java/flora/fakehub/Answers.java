package flora.fakehub;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** The plain answers: JSON, redirects, errors with the hub's headers. */
final class Answers {

  private static final JsonMapper JSON = new JsonMapper();

  private Answers() {}

  static void json(Exchange exchange, int status, Object value) throws IOException {
    exchange.answerHeaders().put("Content-Type", "application/json; charset=utf-8");
    exchange.send(status, JSON.writeValueAsBytes(value));
  }

  static void error(Exchange exchange, int status, @Nullable String code, String message)
      throws IOException {
    if (code != null) {
      exchange.answerHeaders().put("X-Error-Code", code);
    }
    exchange.answerHeaders().put("X-Error-Message", message);
    json(exchange, status, Map.of("error", message));
  }

  static void redirect(Exchange exchange, int status, String location) throws IOException {
    exchange.answerHeaders().put("Location", location);
    exchange.send(status);
  }

  static @Nullable String token(Exchange exchange) {
    var authorization = exchange.header("Authorization");
    return authorization != null && authorization.startsWith("Bearer ")
        ? authorization.substring("Bearer ".length())
        : null;
  }

  /** As the hub does: without a token nobody learns whether a repository is hidden or missing. */
  static void noSuchRepo(Exchange exchange) throws IOException {
    if (token(exchange) == null) {
      error(exchange, 401, "RepoNotFound", "Invalid username or password.");
    } else {
      error(exchange, 404, "RepoNotFound", "Repository not found");
    }
  }

  /** A repository that the hub's people have switched off, recognised by this very sentence. */
  static void disabled(Exchange exchange) throws IOException {
    error(exchange, 403, null, "Access to this resource is disabled.");
  }
}
