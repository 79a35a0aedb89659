package flora.standalone.cli;

import flora.schemas.Json;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code flora models}: what lies in the store, what stays, what follows its hub. */
@Command(
    name = "models",
    description =
        "What lies in the store; put models of your own there, pin, clean up, follow a hub.",
    footerHeading = "%nTo remove one repository of a hub:%n",
    footer = {
      "  unpin it, pin every other one that is to stay, then",
      "  flora models clean --quota 0 --dry-run",
      "  says what would go; without --dry-run it goes. What was used within the last hour stays."
    },
    subcommands = {
      ModelsCommand.Ls.class,
      ModelsCommand.Put.class,
      ModelsCommand.Rm.class,
      ModelsCommand.Pin.class,
      ModelsCommand.Unpin.class,
      ModelsCommand.Clean.class,
      ModelsCommand.Sync.class
    })
final class ModelsCommand implements Callable<Integer> {

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var ls = new Ls();
    ls.options = options;
    return ls.call();
  }

  /** Asks a server that is up, and says the answer. */
  private static int ask(
      Connection.Options options,
      String method,
      String path,
      @Nullable JsonNode body,
      java.util.function.Consumer<JsonNode> say)
      throws Exception {
    try (var connection = Connection.open(options, System.getenv())) {
      var answer = connection.client().ask(method, path, body);
      if (options.json) {
        System.out.println(answer);
      } else {
        say.accept(answer);
      }
    }
    return Main.DONE;
  }

  @Command(name = "ls", description = "List repositories and their commits.")
  static final class Ls implements Callable<Integer> {
    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      try (var connection = Connection.open(options, System.getenv())) {
        var path = "/v1/models?limit=100";
        for (var next = path; ; ) {
          var page = connection.client().ask("GET", next, null);
          page.path("data").forEach(this::say);
          var cursor = page.path("next_cursor").asString("");
          if (!page.path("has_more").asBoolean(false) || cursor.isEmpty()) {
            return Main.DONE;
          }
          next = path + "&after=" + RepoPath.encode(cursor);
        }
      }
    }

    private void say(JsonNode model) {
      if (options.json) {
        System.out.println(model);
        return;
      }
      for (var revision : model.path("pins_not_fetched")) {
        System.out.printf(
            "%-40s %-12s %-16s pinned, not fetched%s%n",
            model.path("repo").asString(""),
            "",
            revision.asString(""),
            model.path("type").asString("").equals("dataset") ? "  dataset" : "");
      }
      for (var commit : model.path("commits")) {
        System.out.printf(
            "%-40s %-12.12s %-16s %8s  %4d files  used %s%s%s%n",
            model.path("repo").asString(""),
            commit.path("commit").asString(""),
            words(commit.path("revisions")),
            StageLine.bytes(commit.path("bytes").asLong(0)),
            commit.path("files").asLong(0),
            commit.path("last_used_at").asString("?"),
            model.path("type").asString("").equals("dataset") ? "  dataset" : "",
            commit.path("pinned").asBoolean(false) ? "  pinned" : "");
      }
    }
  }

  private static String words(JsonNode list) {
    return list.valueStream().map(n -> n.asString("")).collect(Collectors.joining(","));
  }

  @Command(
      name = "put",
      description = {
        "Upload a model from this machine, one .safetensors file or a folder as diffusers has them.",
        "Runs name it as their base_model. An upload that broke goes on when it is called again."
      })
  static final class Put implements Callable<Integer> {
    @Parameters(paramLabel = "PATH", description = "the file or folder")
    Path path = Path.of("");

    @Option(names = "--name", description = "what it is called there; default: as the file")
    @Nullable String name;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      if (!Files.exists(path)) {
        throw new InvalidInput("no such file or folder: " + path);
      }
      var model = OwnModel.at(path, name == null ? OwnModel.nameOf(path) : name);
      try (var connection = Connection.open(options, System.getenv())) {
        var commit = model.send(connection.client());
        System.out.printf("%s  %s%n", model.name(), commit);
      }
      return Main.DONE;
    }
  }

  @Command(name = "rm", description = "Forget a model that was uploaded.")
  static final class Rm implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "of the model")
    String name = "";

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      return ask(
          options,
          "DELETE",
          "/v1/models/" + RepoPath.encode(name),
          null,
          _ -> System.out.println(name + " is forgotten; its bytes go with the next clean-up"));
    }
  }

  /** What pin and unpin are told. */
  abstract static class OneRevision implements Callable<Integer> {
    @Parameters(paramLabel = "REPO", description = "owner/name[@revision]")
    String repo = "";

    @Option(names = "--dataset", description = "a dataset repository")
    boolean dataset;

    @Mixin Connection.Options options = new Connection.Options();

    String path() {
      var type = dataset ? "dataset" : "model";
      return RepoPath.of(RepoPath.parse(repo, null), "/pin") + "&type=" + type;
    }
  }

  @Command(name = "pin", description = "Keep what a revision stands for, whatever the quota.")
  static final class Pin extends OneRevision {
    @Override
    public Integer call() throws Exception {
      return ask(
          options,
          "PUT",
          path(),
          null,
          pin ->
              System.out.println(
                  repo
                      + (pin.path("commit").isString()
                          ? " stays: " + pin.path("commit").asString()
                          : " stays once it is fetched")));
    }
  }

  @Command(name = "unpin", description = "Let a clean-up take it again.")
  static final class Unpin extends OneRevision {
    @Override
    public Integer call() throws Exception {
      return ask(options, "DELETE", path(), null, _ -> System.out.println(repo + " may go"));
    }
  }

  @Command(
      name = "clean",
      description = "Remove what was not used for the longest time until the quota is kept.")
  static final class Clean implements Callable<Integer> {
    @Option(names = "--dry-run", description = "only say what would go")
    boolean dryRun;

    @Option(
        names = "--quota",
        paramLabel = "SIZE",
        description = "what may stay, such as 500GB; default: the server's")
    @Nullable String quota;

    /** What keeps a commit from going, in words. */
    private enum Hold {
      PINNED("pinned (./flora models unpin REPO)"),
      IN_USE("in use by a run that is not over"),
      RECENTLY_USED("not old enough (gateway.clean.min-age)");

      private final String words;

      Hold(String words) {
        this.words = words;
      }

      boolean holds(JsonNode kept) {
        return kept.path("reason").asString("").equals(name().toLowerCase(Locale.ROOT));
      }
    }

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      var body = Json.mapper().createObjectNode().put("dry_run", dryRun);
      if (quota != null) {
        body.put("quota", quota);
      }
      return ask(options, "POST", "/v1/models:clean", body, this::say);
    }

    private void say(JsonNode report) {
      report.path("removed").forEach(gone -> say(dryRun ? "would go" : "gone", gone, ""));
      report.path("kept").forEach(kept -> say("stays", kept, kept.path("reason").asString("")));
      System.out.printf(
          "%s, %s %s; %d files that nothing refers to%n",
          StageLine.bytes(report.path("bytes_before").asLong(0)),
          dryRun ? "would be" : "now",
          StageLine.bytes(report.path("bytes_after").asLong(0)),
          report.path("orphans").asLong(0));
      if (report.path("quota").isNull() || report.path("quota").isMissingNode()) {
        System.out.println("no quota is set: every commit stays (--quota, gateway.clean.quota)");
      }
      missed(report).forEach(System.out::println);
    }

    /** How much is left above a quota that cannot be kept, and what holds it; nothing otherwise. */
    static List<String> missed(JsonNode report) {
      long quota = report.path("quota").asLong(Long.MAX_VALUE);
      long above = report.path("bytes_after").asLong(0) - quota;
      if (above <= 0) {
        return List.of();
      }
      var lines = new ArrayList<String>();
      lines.add(
          "the quota of %s is not kept: %s are above it, held by what is"
              .formatted(StageLine.bytes(quota), StageLine.bytes(above)));
      for (var hold : Hold.values()) {
        var commits = report.path("kept").valueStream().filter(hold::holds).toList();
        if (!commits.isEmpty()) {
          long bytes = commits.stream().mapToLong(kept -> kept.path("bytes").asLong(0)).sum();
          lines.add("  %s: %d, %s".formatted(hold.words, commits.size(), StageLine.bytes(bytes)));
        }
      }
      if (lines.size() == 1) {
        lines.add("  in a version of a dataset, or wanted by somebody right now");
      }
      return lines;
    }

    private static void say(String word, JsonNode commit, String reason) {
      System.out.printf(
          "%-9s %-40s %-12.12s %8s  used %s  %s%n",
          word,
          commit.path("repo").asString(""),
          commit.path("commit").asString(""),
          StageLine.bytes(commit.path("bytes").asLong(0)),
          commit.path("last_used_at").asString("?"),
          reason.replace('_', ' '));
    }
  }

  @Command(
      name = "sync",
      description = {
        "Let a model follow its hub: compared by schedule, fetched when the upstream moved.",
        "Without REPO: list what follows."
      })
  static final class Sync implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "REPO", description = "owner/name[@revision]")
    @Nullable String repo;

    @Option(
        names = "--cron",
        description = "second minute hour day month weekday; default: every night at 2")
    @Nullable String cron;

    @Option(names = "--zone", description = "time zone of that; default: UTC")
    @Nullable String zone;

    @Option(
        names = "--preset",
        description = "needed (default), safetensors-only, diffusers-fp16, everything")
    @Nullable String preset;

    @Option(names = "--stop", description = "follow no more")
    boolean stop;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      if (repo == null) {
        if (stop) {
          throw new InvalidInput("--stop of what? ./flora models sync REPO --stop");
        }
        return list();
      }
      var path = RepoPath.of(RepoPath.parse(repo, null), "/sync");
      if (stop) {
        return ask(
            options, "DELETE", path, null, _ -> System.out.println(repo + " follows no more"));
      }
      var body = Json.mapper().createObjectNode();
      if (cron != null) {
        body.put("cron", cron);
      }
      if (zone != null) {
        body.put("zone", zone);
      }
      if (preset != null) {
        body.put("preset", preset);
      }
      return ask(options, "PUT", path, body, Sync::say);
    }

    private int list() throws Exception {
      try (var connection = Connection.open(options, System.getenv())) {
        connection
            .client()
            .ask("GET", "/v1/models:sync", null)
            .path("data")
            .forEach(options.json ? System.out::println : Sync::say);
      }
      return Main.DONE;
    }

    private static void say(JsonNode sync) {
      System.out.printf(
          "%-40s %-10s %-16s %-16s next %s  last %s%s%n",
          sync.path("repo").asString(""),
          sync.path("revision").asString(""),
          sync.path("cron").asString(""),
          sync.path("zone").asString(""),
          sync.path("next_at").asString(""),
          sync.path("last_checked_at").asString("never"),
          sync.path("last_error").isString()
              ? "  " + sync.path("last_error").asString()
              : sync.path("last_run").isString() ? "  " + sync.path("last_run").asString() : "");
    }
  }
}
