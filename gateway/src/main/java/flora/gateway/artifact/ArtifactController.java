package flora.gateway.artifact;

import flora.gateway.error.Refusal;
import flora.gateway.http.StoredFiles;
import flora.gateway.run.Runs;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.run.Run;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.store.ObjectStore;
import flora.store.Stored;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/runs/{id}/artifacts/…}: the files that a run left, straight from the store. */
@RestController
final class ArtifactController {

  private static final Pattern EPOCH = Pattern.compile("\\d{1,18}");

  private final Runs runs;
  private final ObjectStore store;
  private final StoredFiles files;

  ArtifactController(Runs runs, ObjectStore store, StoredFiles files) {
    this.runs = runs;
    this.store = store;
    this.files = files;
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
            .or(() -> leftOnTheWay(run, name))
            .orElseThrow(() -> new Refusal.NoArtifact(run.id(), name));
    files.send(name, file, request, response);
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

  /** A log or a preview of the newest attempt that has it; a log as far as it has come. */
  private Optional<ObjectRef> leftOnTheWay(Run run, String name) {
    if (!name.startsWith(StoreLayout.LOGS) && !name.startsWith(StoreLayout.PREVIEWS)) {
      return Optional.empty();
    }
    var attempts = StoreLayout.runFolder(run.id()) + "attempts/";
    try (var files = store.list(StoreLayout.RUNS, attempts)) {
      return files
          .map(file -> file.key().substring(attempts.length()))
          .filter(file -> file.endsWith("/" + name))
          .map(file -> file.substring(0, file.length() - name.length() - 1))
          .filter(epoch -> EPOCH.matcher(epoch).matches())
          .max(Comparator.comparingLong(Long::parseLong))
          .flatMap(epoch -> asItIs(StoreLayout.attempt(run.id(), Long.parseLong(epoch), name)));
    }
  }

  private Optional<ObjectRef> asItIs(String key) {
    return store
        .read(StoreLayout.RUNS, key)
        .map(Stored::bytes)
        .map(bytes -> new ObjectRef(StoreLayout.RUNS, key, bytes.length, Sha256.sum(bytes)));
  }
}
