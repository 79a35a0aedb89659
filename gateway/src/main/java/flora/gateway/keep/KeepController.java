package flora.gateway.keep;

import flora.gateway.error.Refusal;
import flora.gateway.error.RepoParameters;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.OwnModels;
import flora.hub.archive.Pin;
import flora.hub.archive.Ref;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Clock;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.util.unit.DataSize;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** {@code …/pin} and {@code /v1/models:clean}: what stays, and what goes. */
@RestController
final class KeepController {

  private final ObjectStore store;
  private final Archive archive;
  private final Cleaner cleaner;
  private final OwnModels models;
  private final LivingRuns runs;

  KeepController(ObjectStore store, Cleaner cleaner, LivingRuns runs, Clock clock) {
    this.store = store;
    this.cleaner = cleaner;
    this.runs = runs;
    models = new OwnModels(store, clock);
    archive = new Archive(store);
  }

  /**
   * A revision that is to stay.
   *
   * @param commit what it stands for; null when it was not fetched yet
   */
  private record Pinned(
      String object, String type, RepoId repo, String revision, @Nullable String commit) {}

  @PutMapping("/v1/models/{owner}/{name}/pin")
  Pinned pin(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision,
      @RequestParam(defaultValue = "model") String type) {
    var kind = RepoParameters.type(type);
    var wanted = RepoParameters.reference(owner, name, revision);
    store.put(
        Archive.bucket(kind),
        key(kind, wanted),
        Json.bytes(new Pin(wanted.revision())),
        "application/json");
    var commit = archive.ref(kind, wanted.repo(), revision).map(Ref::commit).orElse(null);
    var word = kind.name().toLowerCase(Locale.ROOT);
    return new Pinned("pin", word, wanted.repo(), wanted.revision(), commit);
  }

  @DeleteMapping("/v1/models/{owner}/{name}/pin")
  ResponseEntity<Void> unpin(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision,
      @RequestParam(defaultValue = "model") String type) {
    var kind = RepoParameters.type(type);
    store.delete(Archive.bucket(kind), key(kind, RepoParameters.reference(owner, name, revision)));
    return ResponseEntity.noContent().build();
  }

  /** Forgets a model that was uploaded; what a hub has goes by cleaning up. */
  @DeleteMapping("/v1/models/{name}")
  ResponseEntity<Void> remove(@PathVariable String name) {
    var reference = RepoParameters.reference("_", name, RepoReference.DEFAULT_REVISION);
    var model = reference.repo();
    if (models.find(model, reference.revision()).isEmpty()) {
      throw models.isHubs(model) ? new Refusal.NameTaken(model) : new Refusal.NoModel(reference);
    }
    var needed = runs.read();
    var repo = new InUse.Repo(RepoType.MODEL, model);
    if (needed.repos().contains(repo)
        || needed.commits().stream().anyMatch(commit -> commit.repo().equals(repo))) {
      throw new Refusal.InUse(model);
    }
    models.remove(model);
    return ResponseEntity.noContent().build();
  }

  private static String key(RepoType type, RepoReference reference) {
    return StoreLayout.pin(Archive.folder(type, reference.repo()), reference.revision());
  }

  @PostMapping("/v1/models:clean")
  CleanReport clean(@RequestBody(required = false) byte @Nullable [] body) {
    JsonNode request;
    try {
      request =
          body == null || body.length == 0
              ? Json.mapper().createObjectNode()
              : Json.read(body, JsonNode.class);
    } catch (JacksonException e) {
      throw new Refusal.Invalid("", "the body is not JSON", "send {\"dry_run\": true}");
    }
    for (var field : request.propertyNames()) {
      if (!field.equals("dry_run") && !field.equals("quota")) {
        throw new Refusal.Invalid(
            "/" + field, "there is no such field: expected dry_run and quota", null);
      }
    }
    var dryRun = request.path("dry_run");
    if (!dryRun.isMissingNode() && !dryRun.isBoolean()) {
      throw new Refusal.Invalid("/dry_run", "dry_run is neither true nor false", null);
    }
    return cleaner.clean(dryRun.asBoolean(false), quota(request.path("quota")));
  }

  private static @Nullable Long quota(JsonNode quota) {
    if (quota.isMissingNode() || quota.isNull()) {
      return null;
    }
    try {
      long bytes =
          quota.isIntegralNumber() ? quota.asLong() : DataSize.parse(quota.asString("")).toBytes();
      if (bytes >= 0) {
        return bytes;
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new Refusal.Invalid(
        "/quota", "quota is no size: expected bytes, or a text such as 500GB", null);
  }
}
