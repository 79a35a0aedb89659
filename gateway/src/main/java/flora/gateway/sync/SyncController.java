package flora.gateway.sync;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.gateway.error.RepoParameters;
import flora.schemas.Json;
import flora.schemas.request.RequestException;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** {@code …/sync}: repositories that follow their hub. */
@RestController
final class SyncController {

  private static final Set<String> FIELDS =
      Set.of("cron", "zone", "use_mirror", "preset", "allow_patterns", "ignore_patterns");

  private final SyncJobs jobs;

  SyncController(SyncJobs jobs) {
    this.jobs = jobs;
  }

  /** A page of jobs; there is only one. */
  private record Jobs(
      String object, List<SyncJob> data, boolean hasMore, @Nullable String nextCursor) {}

  @GetMapping("/v1/models:sync")
  Object all() {
    return new Jobs("list", jobs.all().stream().map(SyncJobs.Filed::job).toList(), false, null);
  }

  @GetMapping("/v1/models/{owner}/{name}/sync")
  SyncJob show(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision) {
    var reference = RepoParameters.reference(owner, name, revision);
    return jobs.get(reference)
        .map(SyncJobs.Filed::job)
        .orElseThrow(() -> new Refusal.NotSynced(reference.toString()));
  }

  @PutMapping("/v1/models/{owner}/{name}/sync")
  SyncJob follow(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision,
      @RequestBody(required = false) byte @Nullable [] body) {
    var reference = RepoParameters.reference(owner, name, revision);
    var given = given(body);
    GatewayProperties.Sync settings;
    try {
      settings =
          new GatewayProperties.Sync(
              reference.repo().value(),
              revision,
              given.path("cron").asString("0 0 2 * * *"),
              ZoneId.of(given.path("zone").asString("UTC")),
              given.path("use_mirror").asString("true"),
              given.path("preset").asString("needed"),
              texts(given.path("allow_patterns")),
              texts(given.path("ignore_patterns")));
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid("/cron", String.valueOf(e.getMessage()), null);
    } catch (java.time.DateTimeException e) {
      throw new Refusal.Invalid(
          "/zone", "zone is no time zone: expected one such as Asia/Shanghai or UTC", null);
    }
    refuseWhatNoRunTakes(settings);
    return jobs.put(SyncJobs.API, settings);
  }

  @DeleteMapping("/v1/models/{owner}/{name}/sync")
  ResponseEntity<Void> leave(
      @PathVariable String owner,
      @PathVariable String name,
      @RequestParam(defaultValue = "main") String revision) {
    jobs.delete(RepoParameters.reference(owner, name, revision));
    return ResponseEntity.noContent().build();
  }

  private static JsonNode given(byte @Nullable [] body) {
    if (body == null || body.length == 0) {
      return Json.mapper().createObjectNode();
    }
    try {
      var given = Json.read(body, JsonNode.class);
      for (var field : given.propertyNames()) {
        if (!FIELDS.contains(field)) {
          throw new Refusal.Invalid(
              "/" + field, "there is no such field: expected " + String.join(", ", FIELDS), null);
        }
      }
      return given;
    } catch (JacksonException e) {
      throw new Refusal.Invalid("", "the body is not JSON", "send {\"cron\": \"0 0 2 * * *\"}");
    }
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(node -> node.asString("")).toList();
  }

  /** A request that nobody could carry out is refused now, not in the night. */
  private static void refuseWhatNoRunTakes(GatewayProperties.Sync settings) {
    try {
      SyncJobs.requestOf(settings);
    } catch (RequestException e) {
      throw new Refusal.Invalid(
          e.pointer().replaceFirst("^/model", ""), String.valueOf(e.getMessage()), e.hint());
    }
  }
}
