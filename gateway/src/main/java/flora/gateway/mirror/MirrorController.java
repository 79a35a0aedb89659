package flora.gateway.mirror;

import flora.gateway.error.Refusal;
import flora.gateway.http.RequestBodies;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorException;
import flora.hub.mirror.MirrorStatus;
import flora.hub.mirror.Mirrors;
import flora.hub.mirror.ProbeResult;
import flora.schemas.Json;
import flora.schemas.Sha256;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /v1/mirrors}: where else than at the hub repositories can be had, how each does as this
 * gateway sees it, and which there are. Secrets are shown and taken as references alone.
 */
@RestController
final class MirrorController {

  private static final Set<String> FIELDS =
      Set.of(
          "name",
          "kind",
          "endpoint",
          "api",
          "files",
          "headers",
          "token",
          "owners",
          "revisions",
          "rank",
          "enabled",
          "max_connections",
          "repos");

  private final Mirrors mirrors;
  private final RequestBodies bodies;

  MirrorController(Mirrors mirrors, RequestBodies bodies) {
    this.mirrors = mirrors;
    this.bodies = bodies;
  }

  private record Page(
      String object, List<MirrorStatus> data, boolean hasMore, @Nullable String nextCursor) {}

  @GetMapping("/v1/mirrors")
  Page list() {
    return new Page("list", mirrors.list(), false, null);
  }

  @GetMapping("/v1/mirrors/{name}")
  ResponseEntity<MirrorStatus> show(@PathVariable String name) {
    var status = known(name, () -> mirrors.get(name));
    return ResponseEntity.ok().eTag(etag(status)).body(status);
  }

  /** Conditions are judged and kept among the requests to this gateway. */
  @PutMapping("/v1/mirrors/{name}")
  synchronized ResponseEntity<MirrorStatus> put(
      @PathVariable String name,
      @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
      @RequestHeader(name = "If-None-Match", required = false) @Nullable String ifNoneMatch,
      HttpServletRequest http)
      throws IOException {
    var mirror = mirror(name, bodies.bytes(http));
    var before = find(name);
    require(ifMatch, ifNoneMatch, before);
    var status = mirrors.put(mirror);
    return ResponseEntity.status(before == null ? HttpStatus.CREATED : HttpStatus.OK)
        .eTag(etag(status))
        .body(status);
  }

  @DeleteMapping("/v1/mirrors/{name}")
  synchronized ResponseEntity<Void> delete(
      @PathVariable String name,
      @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch) {
    require(ifMatch, null, find(name));
    known(
        name,
        () -> {
          mirrors.remove(name);
          return name;
        });
    return ResponseEntity.noContent().build();
  }

  @PostMapping("/v1/mirrors/{name}:probe")
  ProbeResult probe(@PathVariable String name) throws InterruptedException {
    known(name, () -> mirrors.get(name));
    return mirrors.probe(name);
  }

  private @Nullable MirrorStatus find(String name) {
    try {
      return mirrors.get(name);
    } catch (MirrorException.Unknown e) {
      return null;
    }
  }

  private static <T> T known(String name, Supplier<T> look) {
    try {
      return look.get();
    } catch (MirrorException.Unknown e) {
      throw new Refusal.NoMirror(name);
    }
  }

  private static void require(
      @Nullable String ifMatch, @Nullable String ifNoneMatch, @Nullable MirrorStatus there) {
    boolean matches =
        ifMatch == null
            || (there != null && (ifMatch.strip().equals("*") || ifMatch.contains(etag(there))));
    boolean isNew = ifNoneMatch == null || there == null;
    if (!matches || !isNew) {
      throw new Refusal.PreconditionFailed(
          matches ? "If-None-Match" : "If-Match", "the mirror is another than that");
    }
  }

  private static String etag(MirrorStatus status) {
    return "\"" + Sha256.sum(Json.bytes(status.mirror())).hex() + "\"";
  }

  private static Mirror mirror(String name, byte[] body) {
    try {
      if (!(Json.mapper().readTree(body) instanceof ObjectNode tree)) {
        throw new Refusal.Invalid("", "a mirror is a JSON object", null);
      }
      for (var field : tree.propertyNames()) {
        if (!FIELDS.contains(field)) {
          throw new Refusal.Invalid(
              "/" + field,
              "a mirror has no such field",
              "expected " + String.join(", ", FIELDS.stream().sorted().toList()));
        }
      }
      if (!tree.path("name").asString(name).equals(name)) {
        throw new Refusal.Invalid("/name", "the name is another than in the URL", "leave it out");
      }
      tree.put("name", name);
      return Json.mapper().treeToValue(tree, Mirror.class);
    } catch (DatabindException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof IllegalArgumentException refused) {
          throw new Refusal.Invalid("", String.valueOf(refused.getMessage()), null);
        }
      }
      var at = e.getPath().isEmpty() ? null : e.getPath().getFirst().getPropertyName();
      throw new Refusal.Invalid(
          at == null ? "" : "/" + at,
          "the value is of a kind that is not expected here",
          e instanceof MismatchedInputException mismatch ? expected(mismatch) : null);
    } catch (JacksonException e) {
      throw new Refusal.Invalid("", "the body is not JSON", "send one JSON object");
    }
  }

  /** What would do, for a hint; null where its kind does not tell. */
  private static @Nullable String expected(MismatchedInputException e) {
    var type = e.getTargetType();
    if (type == null) {
      return null;
    }
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(constant -> Json.mapper().valueToTree(constant).asString())
          .collect(Collectors.joining(", ", "expected one of ", ""));
    }
    if (Number.class.isAssignableFrom(type)) {
      return "expected a whole number";
    }
    return type == Boolean.class ? "expected true or false" : null;
  }
}
