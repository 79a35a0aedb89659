package flora.gateway.run;

import flora.schemas.Failure;
import flora.schemas.Json;
import flora.schemas.Routing;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.RunJoin;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code runs/{id}/request.json}: the effective request, which is all that stages read of it, and
 * beside it what everybody needs who announces the run. Everything that is ever said at a run's
 * start follows from these bytes alone: whoever finds them says the same.
 *
 * @param id the run
 * @param effective the request and its warnings
 * @param createdAt when it was accepted
 * @param refused why the run has failed before it began; null for every other run
 * @param object where it lies
 */
public record FrozenRequest(
    RunId id,
    EffectiveRequest effective,
    Instant createdAt,
    @Nullable Failure refused,
    ObjectRef object) {

  private static final int FIRST = 1;

  /** Its bytes. */
  static byte[] bytes(EffectiveRequest effective, Instant createdAt, @Nullable Failure refused) {
    ObjectNode tree = Json.mapper().valueToTree(effective.request());
    tree.put("created_at", createdAt.toString());
    tree.set("warnings", Json.mapper().valueToTree(effective.warnings()));
    if (refused != null) {
      tree.set("refused", Json.mapper().valueToTree(refused));
    }
    return Json.bytes(tree);
  }

  /** From its bytes. */
  static FrozenRequest read(RunId id, byte[] bytes) {
    var tree = Json.read(bytes, JsonNode.class);
    var request = Json.read(bytes, RunRequest.class);
    var warnings = tree.path("warnings").valueStream().map(JsonNode::asString).toList();
    var refused = tree.get("refused");
    return new FrozenRequest(
        id,
        new EffectiveRequest(request, warnings),
        Instant.parse(tree.path("created_at").asString("1970-01-01T00:00:00Z")),
        refused == null ? null : Json.mapper().treeToValue(refused, Failure.class),
        new ObjectRef(StoreLayout.RUNS, StoreLayout.request(id), bytes.length, sha256(bytes)));
  }

  /** The stages it will go through. */
  public List<Stage> stages() {
    return Routing.stages(effective.request());
  }

  /** What is told to everybody. */
  public List<RunEvent> events() {
    var stages = stages();
    var submitted =
        new RunEvent.Submitted(
            id, FIRST, 1, createdAt, effective.request(), object, stages, effective.warnings());
    if (refused == null) {
      return List.of(submitted);
    }
    var where = stages.isEmpty() ? Stage.LABEL : stages.getFirst();
    // the failure first: nobody is to see the run waiting, or done, in between
    return List.of(new RunEvent.Failed(id, FIRST, 2, createdAt, where, refused), submitted);
  }

  /** The first stage's work, unless there is nothing to do. */
  public Optional<Work> work() {
    return refused != null
        ? Optional.empty()
        : stages().stream().findFirst().map(stage -> Work.of(stage, id, object, FIRST));
  }

  /** The run as it is before anything happens. */
  public Run run() {
    var run = RunJoin.empty(id);
    for (var event : events()) {
      run = RunJoin.join(run, event);
    }
    return run;
  }

  private static Sha256 sha256(byte[] bytes) {
    try {
      return Sha256.of(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
