package flora.standalone.cli;

import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestException;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Run;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * {@code flora run CONFIG}: uploads what lies here, starts the run, follows it, brings the adapter.
 */
@Command(
    name = "run",
    description = {
      "Start a run from a config file and follow it to its end.",
      "A train_data_dir that lies on this machine is uploaded with its metadata_path;",
      "the finished adapter is written to {output_dir}/{name}.safetensors."
    })
final class RunCommand implements Callable<Integer> {

  @Parameters(paramLabel = "CONFIG", description = "YAML or JSON, canonical or the flat form")
  Path config = Path.of("");

  @Option(names = "--watch", description = "follow the run (the default)")
  boolean watch;

  @Option(names = "--detach", description = "start the run and return at once")
  boolean detach;

  @Option(
      names = {"--dry-run", "--dry_run"},
      description = "say what would be done and fetched; do nothing")
  boolean dryRun;

  @Option(
      names = {"--use_mirror", "--use-mirror"},
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true|false|NAME",
      description = "overrides use_mirror of the config")
  @Nullable String useMirror;

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    if (detach && watch) {
      throw new InvalidInput("--detach and --watch contradict each other: give one of them");
    }
    var request = read();
    byte[] body = new YAMLMapper().writeValueAsBytes(request);
    var effective = effective(body);
    noteMissingFolder(request, effective);
    try (var connection = Connection.open(options, System.getenv())) {
      if (detach && connection.isOwn()) {
        throw new InvalidInput(
            "--detach needs a server that stays: start one with ./flora up, then run this again");
      }
      var client = connection.client();
      if (dryRun) {
        return tell(client.dryRun(body, "application/yaml"));
      }
      upload(client, request, effective);
      Run run = client.submit(body, "application/yaml");
      System.err.println("run " + run.id());
      if (detach) {
        System.out.println(run.id());
        return Main.DONE;
      }
      return FollowedRun.toTheEnd(
          connection, run.id(), options, done -> bring(client, done, request));
    }
  }

  private int tell(JsonNode outlook) {
    boolean isPossible = outlook.path("download_problem").isNull();
    if (options.json) {
      System.out.println(outlook);
    } else {
      DryRunTable.of(outlook).forEach(System.out::println);
    }
    return isPossible ? Main.DONE : Main.REFUSED;
  }

  private ObjectNode read() throws IOException {
    if (!Files.isRegularFile(config)) {
      throw new InvalidInput("no such config file: " + config);
    }
    try {
      if (new YAMLMapper().readTree(Files.readAllBytes(config)) instanceof ObjectNode request) {
        return overridden(request);
      }
    } catch (JacksonException e) {
      throw new InvalidInput(
          "%s is neither YAML nor JSON: %s".formatted(config, e.getOriginalMessage()));
    }
    throw new InvalidInput(config + " holds no keys: expected a mapping such as name: …");
  }

  private ObjectNode overridden(ObjectNode request) {
    if (useMirror != null) {
      var holder = request.get("model") instanceof ObjectNode model ? model : request;
      holder.put("use_mirror", useMirror);
    }
    return request;
  }

  /** Reads the request as the server will, so that nothing is uploaded for one it refuses. */
  private static RunRequest effective(byte[] body) {
    try {
      var effective = RequestReader.read(body, ContentKind.YAML);
      effective.warnings().forEach(warning -> System.err.println("note: " + warning));
      return effective.request();
    } catch (RequestException e) {
      throw InvalidInput.of(e);
    }
  }

  /** A folder may lie on the server alone; a misspelled one looks the same from here. */
  private void noteMissingFolder(JsonNode request, RunRequest effective) {
    var given = request.path("train_data_dir").asString("");
    var folder = local(given);
    var dataset = effective.dataset();
    boolean isHere = given.isEmpty() || (folder != null && Files.isDirectory(folder));
    if (dataset != null && !isHere) {
      System.err.printf(
          "note: train_data_dir %s is no folder on this machine: nothing is uploaded, the server's"
              + " dataset %s is taken%n",
          given, dataset.name());
    }
  }

  private void upload(GatewayClient client, JsonNode request, RunRequest effective)
      throws IOException, InterruptedException {
    var folder = local(request.path("train_data_dir").asString(""));
    var dataset = effective.dataset();
    if (dataset == null || folder == null || !Files.isDirectory(folder)) {
      return;
    }
    var captions = local(request.path("metadata_path").asString(""));
    new FolderUpload(client, dataset.name(), System.err).send(folder, captions);
  }

  private void bring(GatewayClient client, Run run, JsonNode request)
      throws IOException, InterruptedException {
    var output = request.path("output_dir").asString("");
    for (var artifact : run.artifacts()) {
      if (artifact.name().startsWith("adapter/kohya/")) {
        var file =
            OutputFile.inside(
                Path.of(output), artifact.name().substring("adapter/kohya/".length()));
        client.download(artifact.url(), file);
        System.out.printf("%s  sha256 %s%n", file, artifact.sha256());
      }
    }
  }

  /** A path of the config: as seen from here, else from where the config lies. */
  private @Nullable Path local(String path) {
    if (path.isEmpty()) {
      return null;
    }
    var here = Path.of(path);
    if (Files.exists(here)) {
      return here;
    }
    var beside = config.toAbsolutePath().resolveSibling(path).normalize();
    return Files.exists(beside) ? beside : null;
  }
}
