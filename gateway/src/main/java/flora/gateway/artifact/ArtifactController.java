package flora.gateway.artifact;

import flora.gateway.error.Refusal;
import flora.gateway.run.Runs;
import flora.schemas.Json;
import flora.schemas.run.Run;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/runs/{id}/artifacts/…}: the files that a run left, straight from the store. */
@RestController
final class ArtifactController {

  private final Runs runs;
  private final ObjectStore store;

  ArtifactController(Runs runs, ObjectStore store) {
    this.runs = runs;
    this.store = store;
  }

  @GetMapping("/v1/runs/{id}/artifacts/{*path}")
  void artifact(
      @PathVariable String id,
      @PathVariable String path,
      HttpServletRequest request,
      HttpServletResponse response)
      throws IOException {
    var run = runs.get(id);
    var name = path.substring(1);
    var file =
        artifact(run, name)
            .or(() -> checkpointFile(run, name))
            .orElseThrow(() -> new Refusal.NoArtifact(run.id(), name));
    send(name, file, request, response);
  }

  /** Found by its name among those that the run told of: a name never becomes a key. */
  private static Optional<ObjectRef> artifact(Run run, String name) {
    return run.artifacts().stream()
        .filter(a -> a.name().equals(name))
        .map(Run.RunArtifact::object)
        .findFirst();
  }

  private Optional<ObjectRef> checkpointFile(Run run, String name) {
    for (var checkpoint : run.checkpoints()) {
      var folder = StoreLayout.checkpointFolder(checkpoint.step());
      if (name.startsWith(folder)) {
        var manifest = checkpoint.manifest();
        return store
            .read(manifest.bucket(), manifest.key())
            .map(stored -> Json.read(stored.bytes(), CheckpointManifest.class))
            .flatMap(m -> m.file(name.substring(folder.length())))
            .map(Artifact::object);
      }
    }
    return Optional.empty();
  }

  private void send(
      String name, ObjectRef file, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    var etag = "\"" + file.sha256() + "\"";
    response.setHeader(HttpHeaders.ETAG, etag);
    response.setHeader(HttpHeaders.ACCEPT_RANGES, "bytes");
    var known = request.getHeader(HttpHeaders.IF_NONE_MATCH);
    if (known != null && (known.contains(etag) || known.strip().equals("*"))) {
      response.setStatus(HttpStatus.NOT_MODIFIED.value());
      return;
    }
    var condition = request.getHeader(HttpHeaders.IF_RANGE);
    var range =
        condition == null || condition.equals(etag)
            ? HttpRange.of(request.getHeader(HttpHeaders.RANGE), file.size())
            : Optional.<HttpRange>empty();
    response.setContentType(type(name));
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION,
        ContentDisposition.attachment()
            .filename(name.substring(name.lastIndexOf('/') + 1), StandardCharsets.UTF_8)
            .build()
            .toString());
    response.setHeader("X-Content-Type-Options", "nosniff");
    range.ifPresent(
        r -> {
          response.setStatus(HttpStatus.PARTIAL_CONTENT.value());
          response.setHeader(HttpHeaders.CONTENT_RANGE, r.of(file.size()));
        });
    response.setContentLengthLong(range.map(HttpRange::length).orElse(file.size()));
    if (request.getMethod().equals("HEAD")) {
      return;
    }
    try (var in =
        range.isPresent()
            ? store.open(file.bucket(), file.key(), range.get().first(), range.get().length())
            : store.open(file.bucket(), file.key())) {
      in.transferTo(response.getOutputStream());
    }
  }

  private static String type(String name) {
    var ending = name.substring(name.lastIndexOf('.') + 1);
    return switch (ending) {
      case "json" -> "application/json";
      case "png" -> "image/png";
      case "csv" -> "text/csv;charset=UTF-8";
      default -> "application/octet-stream";
    };
  }
}
