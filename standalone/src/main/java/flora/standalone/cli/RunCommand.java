package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.request.ContentKind;
import flora.schemas.request.GivenPaths;
import flora.schemas.request.RequestException;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Run;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
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
      "A train_data_dir that lies on this machine is uploaded with its metadata_path, and so is a",
      "base_model, one .safetensors file or a folder as diffusers has them;",
      "the finished adapter is written to {output_dir}/{name}.safetensors."
    })
final class RunCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "CONFIG",
      description = "YAML or JSON, canonical or the flat form; .toml as sd-scripts reads it")
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

  @Option(
      names = "--dialect",
      paramLabel = "flora|kohya|diffusers",
      description = "whose names the keys have; kohya's in .toml, else flora's")
  @Nullable String dialect;

  @Mixin Connection.Options options = new Connection.Options();

  /** What goes to the server, what it means there, and what it says of places here. */
  private record Asked(
      ObjectNode request, RunRequest effective, GivenPaths paths, @Nullable OwnModel model) {}

  @Override
  public Integer call() throws Exception {
    if (detach && watch) {
      throw new InvalidInput("--detach and --watch contradict each other: give one of them");
    }
    var asked = read();
    noteMissingFolder(asked);
    try (var connection = Connection.open(options, System.getenv())) {
      if (detach && connection.isOwn()) {
        throw new InvalidInput(
            "--detach needs a server that stays: start one with ./flora up, then run this again");
      }
      var client = connection.client();
      if (dryRun) {
        noteModel(asked);
        return tell(client.dryRun(body(asked), "application/yaml"));
      }
      upload(client, asked);
      Run run = client.submit(body(asked), "application/yaml");
      System.err.println("run " + run.id());
      if (detach) {
        System.out.println(run.id());
        return Main.DONE;
      }
      return FollowedRun.toTheEnd(
          connection, run.id(), options, done -> bring(client, done, asked.paths()));
    }
  }

  private static byte[] body(Asked asked) {
    return new YAMLMapper().writeValueAsBytes(asked.request());
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

  /** Reads the request as the server will, so that nothing is uploaded for one it refuses. */
  private Asked read() throws IOException {
    if (!Files.isRegularFile(config)) {
      throw new InvalidInput("no such config file: " + config);
    }
    var written = Files.readAllBytes(config);
    var kind = config.toString().endsWith(".toml") ? ContentKind.TOML : ContentKind.YAML;
    boolean isOurs = kind == ContentKind.YAML && (dialect == null || dialect.equals("flora"));
    var ours = isOurs ? overridden(tree(written)) : null;
    var document = ours == null ? written : new YAMLMapper().writeValueAsBytes(ours);
    try {
      var paths = RequestReader.paths(document, kind, dialect);
      var model = ownModel(paths);
      var effective =
          RequestReader.read(document, kind, dialect, model == null ? null : model.name());
      effective.warnings().forEach(warning -> System.err.println("note: " + warning));
      var request = effective.request();
      return new Asked(
          // a file in another tool's words goes in ours: read again, that is the same request
          ours == null
              ? overridden(Json.mapper().valueToTree(request))
              : model == null ? ours : named(ours, model.name()),
          request,
          paths,
          model);
    } catch (RequestException e) {
      throw InvalidInput.of(e);
    }
  }

  private ObjectNode tree(byte[] written) {
    try {
      if (new YAMLMapper().readTree(written) instanceof ObjectNode request) {
        return request;
      }
    } catch (JacksonException e) {
      throw new InvalidInput(
          "%s is neither YAML nor JSON: %s".formatted(config, e.getOriginalMessage()));
    }
    throw new InvalidInput(config + " holds no keys: expected a mapping such as name: …");
  }

  /** The model that lies on this machine where the config says; null where none does. */
  private @Nullable OwnModel ownModel(GivenPaths paths) {
    var path = local(orEmpty(paths.baseModel()));
    return path == null ? null : OwnModel.at(path, OwnModel.nameOf(path));
  }

  private static ObjectNode named(ObjectNode request, String baseModel) {
    var holder =
        request.get("model") instanceof ObjectNode part && part.has("base_model") ? part : request;
    holder.put("base_model", baseModel);
    return request;
  }

  private static void noteModel(Asked asked) {
    var model = asked.model();
    if (model != null) {
      System.err.printf(
          "note: the base model lies here; it would be uploaded as %s, %s. What follows takes it to"
              + " be there%n",
          model.name(), StageLine.bytes(model.bytes()));
    }
  }

  private ObjectNode overridden(ObjectNode request) {
    if (useMirror != null) {
      var holder = request.get("model") instanceof ObjectNode model ? model : request;
      holder.put("use_mirror", useMirror);
    }
    return request;
  }

  /** A folder may lie on the server alone; a misspelled one looks the same from here. */
  private void noteMissingFolder(Asked asked) {
    var given = orEmpty(asked.paths().trainDataDir());
    var folder = local(given);
    var dataset = asked.effective().dataset();
    boolean isHere = given.isEmpty() || (folder != null && Files.isDirectory(folder));
    if (dataset != null && !isHere) {
      System.err.printf(
          "note: train_data_dir %s is no folder on this machine: nothing is uploaded, the server's"
              + " dataset %s is taken%n",
          given, dataset.name());
    }
  }

  private void upload(GatewayClient client, Asked asked) throws IOException, InterruptedException {
    var model = asked.model();
    if (model != null) {
      // the name may stand for another upload by the time the run's turn comes
      named(asked.request(), model.name() + "@" + model.send(client));
    }
    var folder = local(orEmpty(asked.paths().trainDataDir()));
    var dataset = asked.effective().dataset();
    if (dataset == null || folder == null || !Files.isDirectory(folder)) {
      return;
    }
    var captions = local(orEmpty(asked.paths().metadataPath()));
    new FolderUpload(client, dataset.name(), System.err).send(folder, captions);
  }

  private static void bring(GatewayClient client, Run run, GivenPaths paths)
      throws IOException, InterruptedException {
    var output = orEmpty(paths.outputDir());
    for (var artifact : run.artifacts()) {
      if (artifact.name().startsWith("adapter/kohya/")) {
        var file =
            OutputFile.inside(
                Path.of(output), artifact.name().substring("adapter/kohya/".length()));
        client.download(artifact.url(), file);
        System.out.printf("%s  sha256 %s%n", file, artifact.sha256());
      } else if (artifact.name().startsWith("merged/")) {
        var file =
            OutputFile.inside(Path.of(output), artifact.name().substring("merged/".length()));
        client.download(artifact.url(), file);
        System.out.printf("%s  sha256 %s%n", file, artifact.sha256());
      }
    }
  }

  private static String orEmpty(@Nullable String path) {
    return path == null ? "" : path;
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
