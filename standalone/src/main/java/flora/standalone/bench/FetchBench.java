package flora.standalone.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Downloads beside {@code curl}, {@code aria2c}, {@code huggingface_hub} and the limits of store
 * and digest. The peers write plain files; the engine hashes, stores and publishes in the time
 * given.
 */
public final class FetchBench {

  /** Of the engine's process; its memory is one of the measurements. */
  static final List<String> ENGINE_OPTIONS = List.of("-Xmx512m");

  /** A heap that is just enough for what all parts on their way may take. */
  private static final List<String> TIGHT = List.of("-Xmx256m");

  private static final long MIB = 1 << 20;
  private static final int CONNECTIONS = 16;
  private static final int SMALL_FILES = 1000;

  /** The engine's parts of files of these sizes. */
  private static final long PART = 8 * MIB;

  private static final List<String> SLOW_CONNECTIONS =
      List.of("--connection", Long.toString(8 * MIB), "--latency", "40");
  private static final String ENGINE = "flora";
  private static final String HUB = "huggingface_hub";
  private static final String ARIA = "aria2c -x16 -s16";

  /** Without it aria2c uses fewer connections than it is allowed: pieces of 20 MiB at least. */
  private static final String SMALL_PIECES = " -k1M";

  private static final String WRITE = "store write";

  /** The store in a process of its own, as on a machine of its own, not in the engine's. */
  private static final String APART = ", store apart";

  /** One hub without any limit. */
  private static final List<List<String>> FREE = List.of(List.of());

  private final PrintStream out;
  private final Path work;
  private final Peers peers;
  private final long largest;
  private final int rounds;
  private final Scenarios scenarios = new Scenarios();

  /**
   * A bench.
   *
   * @param out where the tables go
   * @param work an empty folder for up to four times the largest file
   * @param python an interpreter that has {@code huggingface_hub}
   * @param largest bytes of the largest file; larger ones are cut to this
   * @param rounds how often each contender runs; the median counts
   */
  public FetchBench(PrintStream out, Path work, String python, long largest, int rounds) {
    this.out = out;
    this.work = work;
    this.largest = largest;
    this.rounds = rounds;
    peers = new Peers(work, python);
    scenarios.put("connections", this::connections);
    scenarios.put("loopback", this::loopback);
    scenarios.put("mirrors", this::mirrors);
    scenarios.put("small", this::small);
    scenarios.put("memory", this::memory);
    scenarios.put("resume", this::resume);
  }

  /**
   * Runs scenarios by name, or all.
   *
   * @return 0 when every number that is wanted was reached, 1 when not, 2 for an unknown name
   */
  public int run(Set<String> only) throws IOException, InterruptedException {
    return scenarios.run(only, out, work, "");
  }

  /** A way to measure something once; nothing when it is not installed. */
  private interface Contender {
    OptionalDouble run() throws IOException, InterruptedException;
  }

  /**
   * All of them once, and again: one after the other, so that whatever else goes on at the machine
   * meets each of them. What each took on the median.
   */
  private Map<String, OptionalDouble> contest(
      Table table, long bytes, Map<String, Contender> contenders)
      throws IOException, InterruptedException {
    var took = new LinkedHashMap<String, List<Double>>();
    for (int round = 0; round < rounds; round++) {
      for (var contender : contenders.entrySet()) {
        var all = took.computeIfAbsent(contender.getKey(), _ -> new ArrayList<>());
        BenchFiles.touch(work, bytes);
        contender.getValue().run().ifPresent(all::add);
      }
    }
    var medians = new LinkedHashMap<String, OptionalDouble>();
    took.forEach((who, all) -> medians.put(who, table.row(who, all)));
    return medians;
  }

  private boolean connections(Path folder) throws IOException, InterruptedException {
    long bytes = Math.min(largest, 512 * MIB);
    var repos = BenchFiles.large(folder, "connections", bytes);
    try (var rig = new Rig(folder, repos, List.of(SLOW_CONNECTIONS))) {
      var table = new Table(out, "8 MiB/s a connection, 40 ms" + size(bytes), bytes);
      var url = file(rig.hub(), "connections");
      table.row("limit", (double) bytes / (CONNECTIONS * 8 * MIB));
      var one = peers.curl(url);
      one.ifPresent(seconds -> table.row("curl, one connection", seconds));
      var contenders = new LinkedHashMap<String, Contender>();
      contenders.put(ARIA, () -> peers.aria2(url));
      contenders.put(ARIA + SMALL_PIECES, () -> peers.aria2(url, "-k1M"));
      contenders.put(ENGINE, () -> OptionalDouble.of(rig.fetch("bench/connections")));
      var took = contest(table, bytes, contenders);
      double flora = seconds(took, ENGINE).orElseThrow();
      one.ifPresent(s -> table.atLeast(12, s / flora, "× one connection"));
      seconds(took, ARIA).ifPresent(s -> table.atLeast(1, s / flora, "× " + ARIA));
      return table.print();
    }
  }

  private boolean loopback(Path folder) throws IOException, InterruptedException {
    long bytes = Math.min(largest, 2048 * MIB);
    var repos = BenchFiles.large(folder, "loopback", bytes);
    try (var rig = new Rig(folder, repos, FREE, true);
        var apart = new Rig(Files.createDirectory(folder.resolve("apart")), repos, FREE)) {
      for (var each : List.of(rig, apart)) {
        each.run("write " + 128 * MIB);
        each.run("hash " + 256 * MIB);
      }
      var table = new Table(out, "Unlimited loopback" + size(bytes), bytes);
      var contenders = new LinkedHashMap<String, Contender>();
      contenders.put("SHA-256", () -> OptionalDouble.of(rig.run("hash " + bytes).seconds()));
      contenders.put(WRITE, () -> OptionalDouble.of(rig.run("write " + bytes).seconds()));
      contenders.put(WRITE + APART, () -> OptionalDouble.of(apart.run("write " + bytes).seconds()));
      contenders.put(HUB, () -> peers.snapshot(rig.hub(), "bench/loopback"));
      contenders.put("curl", () -> peers.curl(file(rig.hub(), "loopback")));
      contenders.put(ARIA, () -> peers.aria2(file(rig.hub(), "loopback")));
      contenders.put(ENGINE, () -> OptionalDouble.of(rig.fetch("bench/loopback")));
      contenders.put(ENGINE + APART, () -> OptionalDouble.of(apart.fetch("bench/loopback")));
      var took = contest(table, bytes, contenders);
      double flora = seconds(took, ENGINE).orElseThrow();
      double hash = seconds(took, "SHA-256").orElseThrow();
      for (var where : List.of("", APART)) {
        double limit = Math.max(hash, seconds(took, WRITE + where).orElseThrow());
        table.atLeast(
            0.9,
            limit / seconds(took, ENGINE + where).orElseThrow(),
            "of the slower limit" + where);
      }
      seconds(took, HUB).ifPresent(s -> table.atLeast(1, s / flora, "× huggingface_hub"));
      return table.print();
    }
  }

  private static OptionalDouble seconds(Map<String, OptionalDouble> took, String who) {
    return took.getOrDefault(who, OptionalDouble.empty());
  }

  private boolean mirrors(Path folder) throws IOException, InterruptedException {
    long bytes = Math.min(largest, 512 * MIB);
    var repos = BenchFiles.large(folder, "mirrors", bytes);
    var table =
        new Table(out, "A dead, a corrupting, a slow and a good mirror" + size(bytes), bytes);
    var corrupting = new ArrayList<>(SLOW_CONNECTIONS);
    corrupting.addAll(List.of("--wrong-bytes", Long.toString(MIB)));
    var slow = List.of("--connection", Long.toString(MIB / 4), "--latency", "400");
    var all = List.of(SLOW_CONNECTIONS, corrupting, slow, SLOW_CONNECTIONS);
    try (var one =
            new Rig(Files.createDirectory(folder.resolve("one")), repos, List.of(all.get(0)));
        var four = new Rig(Files.createDirectory(folder.resolve("four")), repos, all)) {
      four.tell(3, "die");
      var contenders = new LinkedHashMap<String, Contender>();
      contenders.put("the good one alone", () -> OptionalDouble.of(one.fetch("bench/mirrors")));
      contenders.put(
          "all four",
          () -> {
            four.renewEngine(); // what the last round has learned of the mirrors is forgotten
            return OptionalDouble.of(four.fetch("bench/mirrors"));
          });
      var took = contest(table, bytes, contenders);
      double alone = seconds(took, "the good one alone").orElseThrow();
      table.atLeast(0.8, alone / seconds(took, "all four").orElseThrow(), "of the good one's rate");
      return table.print();
    }
  }

  private boolean small(Path folder) throws IOException, InterruptedException {
    var repos = BenchFiles.small(folder, "small", SMALL_FILES);
    try (var rig = new Rig(folder, repos, FREE)) {
      long bytes = SMALL_FILES * 4500L;
      var table = new Table(out, SMALL_FILES + " files of 1 to 8 KB", bytes);
      var contenders = new LinkedHashMap<String, Contender>();
      contenders.put(HUB, () -> peers.snapshot(rig.hub(), "bench/small"));
      contenders.put(ENGINE, () -> OptionalDouble.of(rig.fetch("bench/small")));
      var took = contest(table, bytes, contenders);
      double flora = seconds(took, ENGINE).orElseThrow();
      seconds(took, HUB).ifPresent(s -> table.atLeast(2, s / flora, "× snapshot_download"));
      return table.print();
    }
  }

  private boolean memory(Path folder) throws IOException, InterruptedException {
    long bytes = Math.min(largest, 3072 * MIB);
    var repos = BenchFiles.large(folder, "memory", bytes);
    try (var rig = new Rig(folder, repos, FREE)) {
      var table = new Table(out, "Memory" + size(bytes) + ", " + TIGHT.getFirst(), bytes);
      rig.replaceEngine(TIGHT); // one that has not grown yet
      var took = rig.run("fetch bench/memory");
      table.row(ENGINE, took.seconds());
      table.atMost(300, (took.peak() - took.before()) / 1e6, "MB of growth of a fresh process");
      return table.print();
    }
  }

  private boolean resume(Path folder) throws IOException, InterruptedException {
    long bytes = Math.min(largest, 1024 * MIB);
    var repos = BenchFiles.large(folder, "resume", bytes);
    try (var rig = new Rig(folder, repos, List.of(List.of("--link", Long.toString(100 * MIB))))) {
      rig.begin("fetch bench/resume");
      long start = System.nanoTime();
      while (rig.sent() < bytes / 2) {
        Thread.sleep(20);
      }
      double first = (System.nanoTime() - start) / 1e9;
      rig.replaceEngine();
      double rest = rig.run("fetch bench/resume").seconds();
      double again = (double) (rig.sent() - bytes) / PART / CONNECTIONS;
      var table = new Table(out, "kill -9 half-way over a link of 100 MiB/s" + size(bytes), bytes);
      table.row("the link's limit", (double) bytes / (100 * MIB));
      table.row("both halves", first + rest);
      table.atMost(1, again, "parts a connection fetched again");
      return table.print();
    }
  }

  private static URI file(URI hub, String name) {
    return URI.create(hub + "/bench/" + name + "/resolve/main/model.safetensors");
  }

  private static String size(long bytes) {
    return ", " + bytes / MIB + " MiB";
  }
}
