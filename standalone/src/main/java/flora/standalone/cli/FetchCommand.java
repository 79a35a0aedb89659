package flora.standalone.cli;

import flora.schemas.Json;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flora fetch REPO}: a repository, verified, into the object store. */
@Command(
    name = "fetch",
    description = "Fetch a model repository into the store, verified. Done at once when present.")
final class FetchCommand implements Callable<Integer> {

  @Parameters(paramLabel = "REPO", description = "owner/name[@revision]")
  String repo = "";

  @Option(
      names = "--include",
      paramLabel = "PATTERN",
      description = "only these files; default: what a pipeline needs")
  List<String> include = List.of();

  @Option(names = "--exclude", paramLabel = "PATTERN", description = "not these files")
  List<String> exclude = List.of();

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var request = Json.mapper().createObjectNode();
    request.put("name", SafeName.of("fetch-" + repo));
    var model = request.putObject("model");
    model.put("base_model", repo);
    if (!include.isEmpty()) {
      var patterns = model.putArray("allow_patterns");
      include.forEach(patterns::add);
    }
    if (!exclude.isEmpty()) {
      var patterns = model.putArray("ignore_patterns");
      exclude.forEach(patterns::add);
    }
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      var run = client.submit(Json.bytes(request), "application/json");
      return FollowedRun.toTheEnd(
          client, run.id(), options, done -> System.out.println(repo + " is in the store"));
    }
  }
}
