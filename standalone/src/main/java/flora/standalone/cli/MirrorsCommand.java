package flora.standalone.cli;

import flora.schemas.Json;
import flora.standalone.client.GatewayClient;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code flora mirrors}: where else than at the hub repositories can be had. */
@Command(
    name = "mirrors",
    description = "Where repositories can be had; probe, add, remove.",
    subcommands = {
      MirrorsCommand.Ls.class,
      MirrorsCommand.Probe.class,
      MirrorsCommand.Add.class,
      MirrorsCommand.Rm.class
    })
final class MirrorsCommand implements Callable<Integer> {

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var ls = new Ls();
    ls.options = options;
    return ls.call();
  }

  private static JsonNode ask(
      Connection.Options options, String method, String path, @Nullable JsonNode body)
      throws Exception {
    try (var connection = Connection.open(options, System.getenv())) {
      return connection.client().ask(method, path, body);
    }
  }

  private static String path(String name) {
    return "/v1/mirrors/" + RepoPath.encode(name);
  }

  @Command(name = "ls", description = "List them, and how each does.")
  static final class Ls implements Callable<Integer> {
    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      var places = ask(options, "GET", "/v1/mirrors", null).path("data");
      if (options.json) {
        places.forEach(System.out::println);
      } else {
        MirrorTable.of(places).forEach(System.out::println);
      }
      return Main.DONE;
    }
  }

  @Command(name = "probe", description = "Look at one or all now: latency, rate, lag.")
  static final class Probe implements Callable<Integer> {
    @Parameters(
        paramLabel = "NAME",
        arity = "0..1",
        description = "as ls shows it; default: all of them")
    @Nullable String name;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      try (var connection = Connection.open(options, System.getenv())) {
        var client = connection.client();
        boolean isReached = true;
        for (var each : name == null ? enabled(client) : List.of(name)) {
          var result = client.ask("POST", path(each) + ":probe", null);
          isReached &= result.path("reachable").asBoolean(false);
          System.out.println(options.json ? result.toString() : MirrorTable.of(each, result));
        }
        return isReached ? Main.DONE : Main.RUN_FAILED;
      }
    }

    private static List<String> enabled(GatewayClient client) throws InterruptedException {
      return client
          .ask("GET", "/v1/mirrors", null)
          .path("data")
          .valueStream()
          .map(status -> status.path("mirror"))
          .filter(mirror -> mirror.path("enabled").asBoolean(true))
          .map(mirror -> mirror.path("name").asString(""))
          .toList();
    }
  }

  @Command(name = "add", description = "Add one, or change it.")
  static final class Add implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "NAME", description = "how it is to be called")
    String name = "";

    @Parameters(index = "1", paramLabel = "URL", description = "its address, prefix included")
    @Nullable URI endpoint;

    @Option(names = "--kind", description = "huggingface (default), modelscope, files")
    @Nullable String kind;

    @Option(names = "--files", paramLabel = "TEMPLATE", description = "address of a file")
    @Nullable String files;

    @Option(names = "--api", paramLabel = "TEMPLATE", description = "address of its pages")
    @Nullable String api;

    @Option(
        names = "--header",
        paramLabel = "NAME=VALUE",
        description = "goes with every request; a value may name a variable of the server")
    Map<String, String> headers = new LinkedHashMap<>();

    @Option(names = "--token", paramLabel = "VAR", description = "variable with its token")
    @Nullable String token;

    @Option(
        names = "--owner",
        paramLabel = "HERE=THERE",
        description = "what an owner is called there; * for all others")
    Map<String, String> owners = new LinkedHashMap<>();

    @Option(names = "--repo", paramLabel = "PATTERN", description = "only these, such as acme/*")
    List<String> repos = List.of();

    @Option(names = "--off", description = "keep it, and do not ask it")
    boolean off;

    @Option(names = "--rank", description = "lower is asked first")
    @Nullable Integer rank;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      var body = Json.mapper().createObjectNode();
      body.put("name", name);
      body.put("endpoint", String.valueOf(endpoint));
      put(body, "kind", kind);
      put(body, "files", files);
      put(body, "api", api);
      put(body, "token", token);
      if (rank != null) {
        body.put("rank", rank);
      }
      put(body, "headers", headers);
      put(body, "owners", owners);
      if (!repos.isEmpty()) {
        repos.forEach(body.putArray("repos")::add);
      }
      if (off) {
        body.put("enabled", false);
      }
      var status = ask(options, "PUT", path(name), body);
      System.out.println(options.json ? status.toString() : name + " is a mirror now");
      return Main.DONE;
    }

    private static void put(ObjectNode body, String field, Map<String, String> values) {
      if (!values.isEmpty()) {
        var object = body.putObject(field);
        values.forEach(object::put);
      }
    }

    private static void put(ObjectNode body, String field, @Nullable String value) {
      if (value != null) {
        body.put(field, value);
      }
    }
  }

  @Command(name = "rm", description = "Remove one that was added.")
  static final class Rm implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "as ls shows it")
    String name = "";

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      ask(options, "DELETE", path(name), null);
      if (!options.json) {
        System.out.println(name + " is no mirror any more");
      }
      return Main.DONE;
    }
  }
}
