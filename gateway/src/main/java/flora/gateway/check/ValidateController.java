package flora.gateway.check;

import flora.gateway.dataset.DatasetNames;
import flora.gateway.dataset.Incoming;
import flora.gateway.dataset.LatestVersion;
import flora.gateway.error.Refusal;
import flora.gateway.run.RunView;
import flora.gateway.run.Submissions;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.run.Run;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * {@code POST /v1/datasets/{name}:validate}: what there is to say of the pictures that lie there
 * now. Pictures are decoded by the labeler alone, so a look at them is a run, unless somebody has
 * looked at these very files before.
 */
@RestController
final class ValidateController {

  private static final int LONGEST_WAIT = 60;
  private static final Duration POLL = Duration.ofMillis(250);

  private final ObjectStore store;
  private final Incoming incoming;
  private final Submissions submissions;
  private final RunView view;
  private final LatestVersion versions;

  ValidateController(ObjectStore store, Incoming incoming, Submissions submissions, RunView view) {
    this.store = store;
    this.incoming = incoming;
    this.submissions = submissions;
    this.view = view;
    versions = new LatestVersion(store);
  }

  @PostMapping("/v1/datasets/{name}:validate")
  ResponseEntity<Object> validate(
      @PathVariable String name, @RequestParam(defaultValue = "0") int wait)
      throws InterruptedException {
    DatasetNames.dataset(name);
    if (wait < 0 || wait > LONGEST_WAIT) {
      throw new Refusal.Invalid(
          "wait", "wait must be from 0 to %d seconds".formatted(LONGEST_WAIT), null);
    }
    var listing = incoming.listing(name);
    if (listing.isEmpty() && versions.find(name).isEmpty()) {
      throw new Refusal.NoDataset(
          "name",
          "the dataset %s has no pictures".formatted(name),
          "upload them first: PUT /v1/datasets/%s/images/{file}".formatted(name));
    }
    var state = new State(name, listing.orElse(null), incoming.edits(name).orElse(null));
    var known = known(state);
    if (known.isPresent()) {
      return ResponseEntity.ok(known.get());
    }
    var run = look(state);
    long end = System.nanoTime() + Duration.ofSeconds(wait).toNanos();
    while (System.nanoTime() < end && !run.status().isTerminal()) {
      Thread.sleep(POLL);
      run = view.get(run.id()).orElse(run);
    }
    known = run.status() == Run.Status.SUCCEEDED ? known(state) : known;
    if (known.isPresent()) {
      return ResponseEntity.ok(known.get());
    }
    return ResponseEntity.accepted().location(URI.create("/v1/runs/" + run.id())).body(run);
  }

  /**
   * What a report is about.
   *
   * @param listing digest of the files; null when none lie there
   * @param edits what people have written over captions since the files came; null = nothing
   */
  private record State(String dataset, @Nullable Sha256 listing, Incoming.@Nullable Edits edits) {

    /** The n-th run that looks at it. */
    RunId run(int attempt) {
      var files = listing == null ? "" : listing.hex();
      return RunId.of(
          "check",
          dataset,
          edits == null ? files : files + "/" + edits.digest().hex(),
          Integer.toString(attempt));
    }
  }

  /** What somebody has found in exactly these files, with exactly these captions. */
  private Optional<DatasetReport> known(State state) {
    var ofVersion =
        versions
            .find(state.dataset)
            .filter(latest -> isOfAllEdits(latest, state))
            .flatMap(
                latest ->
                    read(
                        StoreLayout.datasetVersion(
                            state.dataset, latest.version(), LatestVersion.REPORT)))
            .filter(report -> state.listing == null || state.listing.equals(report.listing()));
    if (ofVersion.isPresent() || state.listing == null) {
      return ofVersion;
    }
    return state.edits == null || isLookedAt(state)
        ? read(StoreLayout.datasetReport(state.dataset, state.listing))
        : Optional.empty();
  }

  /** Of a hub's dataset nothing lies here that could be looked at again. */
  private static boolean isOfAllEdits(DatasetLatest latest, State state) {
    return state.edits == null
        || state.listing == null
        || (latest.listedAt() != null && !state.edits.newest().isAfter(latest.listedAt()));
  }

  /** Whether a run that knew of all edits has come to its end. */
  private boolean isLookedAt(State state) {
    for (int attempt = 0; ; attempt++) {
      var run = view.get(state.run(attempt));
      if (run.isEmpty() || run.get().status() == Run.Status.SUCCEEDED) {
        return run.isPresent();
      }
    }
  }

  private Optional<DatasetReport> read(String key) {
    return store
        .read(StoreLayout.DATASETS, key)
        .map(stored -> Json.read(stored.bytes(), DatasetReport.class));
  }

  /** The run that looks at these files: one for everybody who asks, another after it has failed. */
  private Run look(State state) {
    var body = Map.of("dataset", Map.of("name", state.dataset, "check_only", true));
    var request = RequestReader.read(Json.bytes(body), ContentKind.JSON);
    for (int attempt = 0; ; attempt++) {
      var id = state.run(attempt);
      var before = view.get(id);
      if (before.filter(run -> run.status().isTerminal()).isEmpty()) {
        var frozen = submissions.freeze(id, request, null);
        submissions.announce(frozen);
        return before.orElseGet(frozen::run);
      }
    }
  }
}
