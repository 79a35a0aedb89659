package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.RepoReference;
import flora.schemas.RunId;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.ModelSource;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code flora fetch REPO}: a repository, verified, into the object store. */
@Command(
    name = "fetch",
    description = {
      "Fetch a repository into the store, verified. Done at once when present.",
      "--plan only says what would be fetched; --to writes the files into a folder as well."
    })
final class FetchCommand implements Callable<Integer> {

  private static final int NOT_SUPPORTED = 501;

  @Parameters(paramLabel = "REPO", description = "owner/name[@revision]")
  String repo = "";

  @Option(names = "--revision", description = "branch, tag or commit; default: main")
  @Nullable String revision;

  @Option(
      names = "--dataset",
      description = "a dataset repository, all its files; so does datasets/owner/name")
  boolean dataset;

  @Option(
      names = "--preset",
      description = "needed (default), safetensors-only, diffusers-fp16, everything")
  @Nullable String preset;

  @Option(
      names = {"--allow", "--include"},
      paramLabel = "PATTERN",
      description = "only these files; default: what a pipeline needs")
  List<String> allow = List.of();

  @Option(
      names = {"--ignore", "--exclude"},
      paramLabel = "PATTERN",
      description = "not these files")
  List<String> ignore = List.of();

  @Option(
      names = {"--use_mirror", "--use-mirror"},
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true|false|NAME",
      description = "where to fetch from; default: wherever it is fastest")
  @Nullable String useMirror;

  @Option(names = "--plan", description = "say what would be fetched, from where; fetch nothing")
  boolean plan;

  @Option(names = "--to", paramLabel = "DIR", description = "write the files there as well")
  @Nullable Path to;

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    if (plan && to != null) {
      throw new InvalidInput("--plan and --to contradict each other: a plan writes nothing");
    }
    if (repo.startsWith(ModelSource.DATASET_PREFIX)) {
      dataset = true;
      repo = repo.substring(ModelSource.DATASET_PREFIX.length());
    }
    if (to != null) {
      LocalCopy.prepare(to);
    }
    var reference = RepoPath.parse(repo, revision);
    var request = request(reference);
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      if (plan) {
        var report = client.ask("POST", "/v1/models:plan", request);
        if (options.json) {
          System.out.println(report);
        } else {
          PlanTable.of(report).forEach(System.out::println);
        }
        return Main.DONE;
      }
      var chosen = to == null ? null : tryToChoose(client, request);
      var run = client.submit(Json.bytes(request), "application/json");
      return FollowedRun.toTheEnd(
          connection, run.id(), options, done -> finish(client, done.id(), chosen));
    }
  }

  /**
   * Which files of which commit were asked for: other runs may have brought more of it.
   *
   * @param pickles those that become safetensors
   */
  private record Chosen(String commit, Set<String> paths, Set<String> pickles) {}

  private static Chosen choose(GatewayClient client, JsonNode request) throws InterruptedException {
    var repository = client.ask("POST", "/v1/models:plan", request).path("repositories").path(0);
    var files = repository.path("files").valueStream();
    var paths =
        files.collect(
            Collectors.partitioningBy(
                file -> file.path("converted").asBoolean(false),
                Collectors.mapping(
                    file -> file.path("path").asString(""), Collectors.toUnmodifiableSet())));
    return new Chosen(
        repository.path("commit").asString(""),
        paths.getOrDefault(false, Set.of()),
        paths.getOrDefault(true, Set.of()));
  }

  /**
   * Null where the gateway cannot ask the hub: perhaps the fetcher can, and then the store knows.
   */
  private static @Nullable Chosen tryToChoose(GatewayClient client, JsonNode request)
      throws InterruptedException {
    try {
      return choose(client, request);
    } catch (GatewayClient.Refused e) {
      if (e.status() < 500 || e.status() == NOT_SUPPORTED) {
        throw e;
      }
      return null;
    }
  }

  private void finish(GatewayClient client, RunId id, @Nullable Chosen planned) throws Exception {
    var snapshot = snapshot(client, id);
    var folder = to;
    if (folder == null) {
      if (!options.json) {
        System.out.printf("%s is in the store, commit %s%n", snapshot.repo(), snapshot.commit());
      }
      return;
    }
    var chosen =
        planned != null && planned.commit().equals(snapshot.commit())
            ? planned
            // it moved between the plan and the run
            : choose(client, request(new RepoReference(snapshot.repo(), snapshot.commit())));
    LocalCopy.Brought brought;
    try (var _ = Farewell.saying("stopped; the same command goes on from there")) {
      brought =
          new LocalCopy(client, folder, System.err, !options.json && Terminal.isThere())
              .bring(
                  snapshot.repo(),
                  snapshot.commit(),
                  dataset ? "dataset" : "model",
                  chosen.paths(),
                  chosen.pickles());
    }
    if (options.json) {
      var line = Json.mapper().createObjectNode();
      line.put("object", "local_copy").put("repo", snapshot.repo().toString());
      line.put("commit", snapshot.commit()).put("folder", folder.toAbsolutePath().toString());
      line.put("files", brought.files()).put("written", brought.written());
      line.put("bytes", brought.bytes());
      System.out.println(line);
      return;
    }
    System.out.printf(
        "%s: %d %s, %s in %s, %d of them new%n",
        snapshot.repo(),
        brought.files(),
        brought.files() == 1 ? "file" : "files",
        StageLine.bytes(brought.bytes()),
        folder,
        brought.written());
  }

  /** What the run says it fetched: under a renamed repository's name of today. */
  private static Snapshot snapshot(GatewayClient client, RunId id) throws InterruptedException {
    var snapshots = new ArrayList<Snapshot>();
    client.fetchEvents(
        id,
        false,
        event -> {
          if (event instanceof FetchEvent.Completed completed) {
            snapshots.addAll(completed.snapshots());
          }
        });
    if (snapshots.isEmpty()) {
      throw new InvalidInput("%s has succeeded and does not say what it fetched".formatted(id));
    }
    return snapshots.getLast();
  }

  private ObjectNode request(RepoReference reference) {
    var request = Json.mapper().createObjectNode();
    request.put("name", SafeName.of("fetch-" + reference));
    var model = request.putObject("model");
    model.put("base_model", (dataset ? ModelSource.DATASET_PREFIX : "") + reference);
    if (!allow.isEmpty()) {
      allow.forEach(model.putArray("allow_patterns")::add);
    }
    if (!ignore.isEmpty()) {
      ignore.forEach(model.putArray("ignore_patterns")::add);
    }
    if (useMirror != null) {
      model.put("use_mirror", useMirror);
    }
    if (preset != null) {
      model.put("preset", preset);
    }
    return request;
  }
}
