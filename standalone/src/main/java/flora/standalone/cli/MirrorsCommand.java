package flora.standalone.cli;

import flora.schemas.Json;
import flora.standalone.client.StageLine;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

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

  private static String millis(JsonNode number) {
    return number.isNumber() ? number.asLong() + " ms" : "–";
  }

  private static String rate(JsonNode number) {
    return number.isNumber() ? StageLine.bytes(number.asLong()) + "/s" : "–";
  }

  @Command(name = "ls", description = "List them, and how each does.")
  static final class Ls implements Callable<Integer> {
    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      for (var status : ask(options, "GET", "/v1/mirrors", null).path("data")) {
        if (options.json) {
          System.out.println(status);
          continue;
        }
        var mirror = status.path("mirror");
        System.out.printf(
            "%-16s %-9s %-40s p95 %8s  %10s  %s%n",
            mirror.path("name").asString(""),
            mirror.path("enabled").asBoolean(true) ? status.path("circuit").asString("") : "off",
            mirror.path("endpoint").asString(""),
            millis(status.path("p95_ms")),
            rate(status.path("bytes_per_second")),
            status.path("cause").asString(""));
      }
      return Main.DONE;
    }
  }

  @Command(name = "probe", description = "Look at one now: latency, rate, lag behind the hub.")
  static final class Probe implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "as ls shows it")
    String name = "";

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      var result = ask(options, "POST", path(name) + ":probe", null);
      if (options.json) {
        System.out.println(result);
      } else {
        System.out.printf(
            "%s: %s  p50 %s  p95 %s  %s  %s%n",
            name,
            result.path("verdict").asString("?"),
            millis(result.path("p50_ms")),
            millis(result.path("p95_ms")),
            rate(result.path("bytes_per_second")),
            result.path("cause").asString(""));
      }
      return result.path("reachable").asBoolean(false) ? Main.DONE : Main.RUN_FAILED;
    }
  }

  @Command(name = "add", description = "Add one, or change it.")
  static final class Add implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "NAME", description = "how it is to be called")
    String name = "";

    @Parameters(index = "1", paramLabel = "URL", description = "its address, prefix included")
    @Nullable URI endpoint;

    @Option(names = "--kind", description = "huggingface (default), modelscope, …")
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
      if (!headers.isEmpty()) {
        var object = body.putObject("headers");
        headers.forEach(object::put);
      }
      var status = ask(options, "PUT", path(name), body);
      System.out.println(options.json ? status.toString() : name + " is a mirror now");
      return Main.DONE;
    }

    private static void put(
        tools.jackson.databind.node.ObjectNode body, String field, @Nullable String value) {
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
      System.out.println(name + " is no mirror any more");
      return Main.DONE;
    }
  }
}
