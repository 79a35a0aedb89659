package flora.gateway.run;

import flora.gateway.dataset.Incoming;
import flora.gateway.dataset.LatestVersion;
import flora.gateway.error.Refusal;
import flora.gateway.http.RequestBodies;
import flora.gateway.model.Plans;
import flora.gateway.page.PageRequest;
import flora.hub.plan.PlanReport;
import flora.schemas.Json;
import flora.schemas.Routing;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.request.RunRequest;
import flora.schemas.request.TrainingPlan;
import flora.schemas.run.Run;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/runs}: validate, freeze, announce; list, show, cancel. */
@RestController
final class RunController {

  private final Submissions submissions;
  private final Runs runs;
  private final RunView view;
  private final Incoming incoming;
  private final Clock clock;
  private final RandomGenerator random;
  private final RequestBodies bodies;
  private final Plans plans;
  private final ObjectStore store;
  private final LatestVersion versions;

  RunController(
      Submissions submissions,
      Runs runs,
      RunView view,
      Incoming incoming,
      Clock clock,
      RandomGenerator random,
      RequestBodies bodies,
      Plans plans,
      ObjectStore store) {
    this.submissions = submissions;
    this.runs = runs;
    this.view = view;
    this.incoming = incoming;
    this.clock = clock;
    this.random = random;
    this.bodies = bodies;
    this.plans = plans;
    this.store = store;
    versions = new LatestVersion(store);
  }

  /** What a request comes to, told without starting anything. */
  private record DryRun(
      String object,
      RunRequest request,
      List<String> warnings,
      List<Stage> stages,
      Incoming.@Nullable Report dataset,
      @Nullable PlanReport downloadPlan,
      Plans.@Nullable Obstacle downloadProblem,
      @Nullable Estimates estimates) {}

  @PostMapping("/v1/runs")
  ResponseEntity<?> submit(
      HttpServletRequest http,
      @RequestParam(name = "dry_run", defaultValue = "false") String dryRun,
      @RequestParam(required = false) @Nullable String dialect,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException {
    var effective = bodies.runRequest(http, dialect);
    var dataset = uploaded(effective.request());
    if (asks(dryRun)) {
      var outlook = plans.outlook(effective.request());
      return ResponseEntity.ok(
          new DryRun(
              "dry_run",
              effective.request(),
              effective.warnings(),
              Routing.stages(effective.request()),
              dataset == null ? null : incoming.report(dataset),
              outlook.plan(),
              outlook.obstacle(),
              estimates(effective.request())));
    }
    if (dataset != null) {
      incoming.requireAny(dataset);
    }
    var frozen = submissions.freeze(id(key), effective, null);
    if (!same(frozen.effective(), effective)) {
      throw new Refusal.KeyReused();
    }
    if (!view.isAnnounced(frozen.id())) {
      if (dataset != null) {
        incoming.cover(dataset, frozen.id());
      }
      submissions.announce(frozen);
    }
    return ResponseEntity.accepted()
        .location(URI.create("/v1/runs/" + frozen.id()))
        .body(runs.get(frozen.id().value()));
  }

  private @Nullable Estimates estimates(RunRequest request) {
    var dataset = request.dataset();
    return switch (request.train()) {
      case null -> null;
      case TrainingPlan.AdapterMerge _, TrainingPlan.AdapterConvert _ -> null;
      case TrainingPlan.StableDiffusionLora plan ->
          dataset == null
              ? Estimates.of(plan)
              : versions
                  .find(dataset.name())
                  .flatMap(
                      latest ->
                          store
                              .read(latest.manifest().bucket(), latest.manifest().key())
                              .map(stored -> Json.read(stored.bytes(), DatasetManifest.class))
                              .map(manifest -> Estimates.of(plan, latest.version(), manifest)))
                  .orElseGet(() -> Estimates.of(plan));
    };
  }

  @GetMapping("/v1/runs")
  RunPage list(
      @RequestParam(required = false) @Nullable String status,
      @RequestParam(required = false) @Nullable String limit,
      @RequestParam(required = false) @Nullable String after) {
    var page = RunPage.of(view.all(), RunPage.status(status), PageRequest.of(limit, after));
    return new RunPage(
        page.object(),
        page.data().stream().map(runs::seenNow).toList(),
        page.hasMore(),
        page.nextCursor());
  }

  @GetMapping("/v1/runs/{id}")
  Run show(@PathVariable String id) {
    return runs.get(id);
  }

  @PostMapping("/v1/runs/{id}/cancel")
  ResponseEntity<Run> cancel(@PathVariable String id) {
    return ResponseEntity.accepted().body(runs.cancel(id));
  }

  @PostMapping("/v1/runs/{id}/pause")
  ResponseEntity<Run> pause(@PathVariable String id) {
    return ResponseEntity.accepted().body(runs.pause(id));
  }

  @PostMapping("/v1/runs/{id}/resume")
  ResponseEntity<Run> resume(@PathVariable String id) {
    return ResponseEntity.accepted().body(runs.resume(id));
  }

  @PostMapping("/v1/runs/{id}/save")
  ResponseEntity<Run> save(@PathVariable String id) {
    return ResponseEntity.accepted().body(runs.save(id));
  }

  @PostMapping("/v1/runs/{id}/preview")
  ResponseEntity<Run> preview(@PathVariable String id) {
    return ResponseEntity.accepted().body(runs.preview(id));
  }

  /** The dataset whose pictures have to be uploaded before; null when none has to. */
  private static @Nullable String uploaded(RunRequest request) {
    var dataset = request.dataset();
    return dataset == null || dataset.hub() != null ? null : dataset.name();
  }

  private RunId id(@Nullable String key) {
    if (key == null) {
      return RunId.next(clock, random);
    }
    if (key.isBlank() || key.length() > 255) {
      throw new Refusal.Invalid(
          "Idempotency-Key", "Idempotency-Key is not of 1 to 255 characters", null);
    }
    return RunId.of("idempotency-key", key);
  }

  /** Compared as they were frozen: numbers and defaults as the wire holds them. */
  private static boolean same(EffectiveRequest a, EffectiveRequest b) {
    return a.request().equals(b.request());
  }

  private static boolean asks(String dryRun) {
    return switch (dryRun) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw new Refusal.Invalid("dry_run", "dry_run is neither true nor false", null);
    };
  }
}
