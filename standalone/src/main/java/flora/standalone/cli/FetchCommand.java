package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.RepoReference;
import flora.schemas.request.ModelSource;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
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
      var wanted = to == null ? Set.<String>of() : paths(client, request);
      var run = client.submit(Json.bytes(request), "application/json");
      return FollowedRun.toTheEnd(
          client, run.id(), options, _ -> finish(client, reference, wanted));
    }
  }

  private void finish(GatewayClient client, RepoReference reference, Set<String> wanted)
      throws Exception {
    if (to == null) {
      System.out.println(reference + " is in the store");
      return;
    }
    var folder = to;
    var brought =
        new LocalCopy(client, folder, System.err)
            .bring(reference, dataset ? "dataset" : "model", wanted);
    System.out.printf(
        "%s: %d files in %s, %d of them written%n",
        reference, brought.files(), folder, brought.written());
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

  /** What was asked for: other runs may have brought more of the same commit. */
  private static Set<String> paths(GatewayClient client, JsonNode request)
      throws InterruptedException {
    var paths = new HashSet<String>();
    for (var repository : client.ask("POST", "/v1/models:plan", request).path("repositories")) {
      repository.path("files").forEach(file -> paths.add(file.path("path").asString("")));
    }
    return paths;
  }
}
