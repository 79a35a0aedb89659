package flora.gateway.model;

import flora.gateway.error.Refusal;
import flora.gateway.error.RepoParameters;
import flora.gateway.http.StoredFiles;
import flora.gateway.page.PageRequest;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Inventory;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/models}: the repositories that lie in the store, and their files. */
@RestController
final class ModelController {

  private final Archive archive;
  private final Inventory inventory;
  private final StoredFiles files;

  ModelController(Archive archive, ObjectStore store, StoredFiles files) {
    this.archive = archive;
    this.files = files;
    inventory = new Inventory(store);
  }

  /** One commit of a repository, with its files. */
  private record Snapshot(
      String object,
      String type,
      RepoId repo,
      String revision,
      String commit,
      long bytes,
      List<RepoManifest.Entry> files) {}

  @GetMapping("/v1/models")
  ModelPage list(
      @RequestParam(required = false) @Nullable String type,
      @RequestParam(required = false) @Nullable String limit,
      @RequestParam(required = false) @Nullable String after) {
    var request = PageRequest.of(limit, after);
    var repos =
        (type == null ? List.of(RepoType.values()) : List.of(RepoParameters.type(type)))
            .stream().flatMap(kind -> inventory.repositories(kind).stream()).toList();
    return ModelPage.of(repos, request);
  }

  @GetMapping("/v1/models/{name}")
  Object show(
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision,
      @RequestParam(defaultValue = "model") String type) {
    return show("_", name, revision, type);
  }

  @GetMapping("/v1/models/{owner}/{name}")
  Object show(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision,
      @RequestParam(defaultValue = "model") String type) {
    var kind = RepoParameters.type(type);
    var manifest = manifest(kind, owner, name, revision);
    return new Snapshot(
        "model",
        kind.name().toLowerCase(Locale.ROOT),
        manifest.repo(),
        revision,
        manifest.commit(),
        manifest.files().stream().mapToLong(RepoManifest.Entry::size).sum(),
        manifest.files());
  }

  /** A path is looked up among those of the manifest and never becomes a key. */
  @GetMapping("/v1/models/{owner}/{name}/files/{*path}")
  void file(
      @PathVariable String owner,
      @PathVariable String name,
      @PathVariable String path,
      @RequestParam(defaultValue = "main") String revision,
      @RequestParam(defaultValue = "model") String type,
      HttpServletRequest request,
      HttpServletResponse response)
      throws IOException {
    var kind = RepoParameters.type(type);
    var manifest = manifest(kind, owner, name, revision);
    var file = path.substring(1);
    var blob =
        manifest
            .file(file)
            .flatMap(entry -> blob(kind, entry))
            .orElseThrow(() -> new Refusal.NoModelFile(manifest.repo(), manifest.commit(), file));
    files.send(file, blob, request, response);
  }

  private RepoManifest manifest(RepoType type, String owner, String name, String revision) {
    var reference = RepoParameters.reference(owner, name, revision);
    return archive
        .lastKnown(type, reference.repo(), reference.revision())
        .flatMap(known -> archive.manifest(type, known.repo(), known.commit()))
        .orElseThrow(() -> new Refusal.NoModel(reference));
  }

  /** What is named by a manifest and has lost its marker since does not count. */
  private Optional<ObjectRef> blob(RepoType type, RepoManifest.Entry entry) {
    var bucket = Archive.bucket(type);
    return archive
        .find(bucket, entry.sha256())
        .map(
            verified ->
                new ObjectRef(
                    bucket,
                    StoreLayout.blob(verified.sha256()),
                    verified.size(),
                    verified.sha256()));
  }
}
