package flora.standalone.bench;

import flora.schemas.Json;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Steps of a Stable Diffusion LoRA beside {@code diffusers} and {@code peft}, in processes that
 * take turns: time of a step, and the most memory that each has held.
 */
public final class TrainBench {

  private static final String FLORA = "flora";
  private static final String PEER = "diffusers + peft";
  private static final int RANK = 8;
  private static final double MIB = 1 << 20;

  private final PrintStream out;
  private final Path work;
  private final Path model;
  private final String python;
  private final int threads;
  private final int steps;
  private final int rounds;
  private final Scenarios scenarios = new Scenarios();

  /**
   * A bench.
   *
   * @param out where the tables go
   * @param work an empty folder
   * @param model a Stable Diffusion model in the layout of diffusers
   * @param python an interpreter that has {@code diffusers} and {@code peft}
   * @param threads that compute, in each process
   * @param steps of a round; their median counts
   * @param rounds how often each contender has its turn
   */
  public TrainBench(
      PrintStream out, Path work, Path model, String python, int threads, int steps, int rounds) {
    this.out = out;
    this.work = work;
    this.model = model;
    this.python = python;
    this.threads = threads;
    this.steps = steps;
    this.rounds = rounds;
    scenarios.put("256", folder -> step(folder, 256, "kept", 0.8, 0.9));
    scenarios.put("512", folder -> step(folder, 512, "kept", 0.95, 0.9));
    scenarios.put("256-recomputed", folder -> step(folder, 256, "recomputed", 0.8, 0.8));
    scenarios.put("512-recomputed", folder -> step(folder, 512, "recomputed", 0.95, 0.8));
  }

  /**
   * Runs scenarios by name, or all.
   *
   * @return 0 when every number that is wanted was reached, 1 when not, 2 for an unknown name
   */
  public int run(Set<String> only) throws IOException, InterruptedException {
    return scenarios.run(only, out, work, "");
  }

  /** What a contender has done. */
  private static final class Contender {
    private final Child child;
    private final List<Double> medians = new ArrayList<>();
    private double peak;

    Contender(Child child) {
      this.child = child;
    }

    void turn(int steps) {
      var answer = Json.mapper().readTree(child.ask(Integer.toString(steps)));
      var seconds = answer.path("seconds").valueStream().map(JsonNode::asDouble).toList();
      medians.add(Table.median(seconds).orElseThrow());
      peak = answer.path("peak").asDouble();
    }
  }

  private boolean step(Path folder, int side, String mode, double time, double memory)
      throws IOException, InterruptedException {
    var load = Machine.load();
    try (var child = child(folder, side, mode);
        var other =
            TrainPeer.start(python, model, folder, side, RANK, threads, mode).orElse(null)) {
      var flora = new Contender(child);
      var peer = other == null ? null : new Contender(other);
      // the first steps read the weights, and compile
      flora.child.ask("2");
      if (peer != null) {
        peer.child.ask("2");
      }
      for (int round = 0; round < rounds; round++) {
        flora.turn(steps);
        if (peer != null) {
          peer.turn(steps);
        }
      }
      boolean reached = told(title(side, mode, load), flora, peer, time, memory);
      if (peer != null && mode.equals("kept")) {
        share(flora, peer);
      }
      return reached;
    }
  }

  private String title(int side, String mode, String load) throws IOException {
    return "A step at %d × %d, batch 1, rank %d, all %s, %d threads, load %s before and %s after"
        .formatted(side, side, RANK, mode, threads, load, Machine.load());
  }

  private boolean told(
      String title, Contender flora, @Nullable Contender peer, double time, double memory) {
    var table = new Table(out, title, 1, "steps");
    double own = table.row(FLORA, flora.medians).orElseThrow();
    var theirs = table.row(PEER, peer == null ? List.of() : peer.medians);
    if (peer != null) {
      table.atMost(time, own / theirs.orElseThrow(), "× the time of " + PEER);
      table.atMost(memory, flora.peak / peer.peak, "× its memory");
    }
    boolean reached = table.print();
    out.printf(Locale.ROOT, "- most memory: flora %.0f MiB", flora.peak / MIB);
    if (peer != null) {
      out.printf(Locale.ROOT, ", %s %.0f MiB", PEER, peer.peak / MIB);
    }
    out.println();
    return reached;
  }

  /** How far both are from what the processor can multiply at all. */
  private void share(Contender flora, Contender peer) {
    double operations = Double.parseDouble(peer.child.ask("operations"));
    double most = Double.parseDouble(flora.child.ask(TrainMain.PRODUCT));
    out.printf(
        Locale.ROOT,
        "- of the %.0f GFLOP/s of a large product: flora %.0f %%, %s %.0f %% (%.0f GFLOP a step, as PyTorch counts)%n",
        most / 1e9,
        100 * operations / most / Table.median(flora.medians).orElseThrow(),
        PEER,
        100 * operations / most / Table.median(peer.medians).orElseThrow(),
        operations / 1e9);
  }

  private Child child(Path folder, int side, String mode) {
    var child =
        Child.java(
            TrainMain.class,
            folder.resolve("flora.log"),
            List.of(
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "-Dai.djl.pytorch.num_threads=" + threads),
            List.of(model.toString(), Integer.toString(side), Integer.toString(RANK), mode));
    child.hear();
    return child;
  }
}
