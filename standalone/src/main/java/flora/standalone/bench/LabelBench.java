package flora.standalone.bench;

import flora.schemas.Json;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Labels beside {@code transformers}, from files on the disk to a label for each, in processes that
 * take turns.
 */
public final class LabelBench {

  private static final String FP32 = "flora fp32";
  private static final String INT8 = "flora int8";
  private static final String PEER = "transformers";
  private static final int BATCH = 8;
  private static final int SIDE = 512;

  private final PrintStream out;
  private final Path work;
  private final Path model;
  private final @Nullable Path images;
  private final String python;
  private final int threads;
  private final int pictures;
  private final int rounds;
  private final Scenarios scenarios = new Scenarios();

  /**
   * A bench.
   *
   * @param out where the tables go
   * @param work an empty folder for up to 2 GB
   * @param model a folder with a CLIP model
   * @param images PNG or JPEG files with a {@code labels.csv} that says what they show; for the
   *     scenarios about right labels
   * @param python an interpreter that has {@code transformers}
   * @param threads that compute, in each process
   * @param pictures that each contender labels in a round
   * @param rounds how often each contender runs; the median counts
   */
  public LabelBench(
      PrintStream out,
      Path work,
      Path model,
      @Nullable Path images,
      String python,
      int threads,
      int pictures,
      int rounds) {
    this.out = out;
    this.work = work;
    this.model = model;
    this.images = images;
    this.python = python;
    this.threads = threads;
    this.pictures = pictures;
    this.rounds = rounds;
    scenarios.put("fp32", folder -> speed(folder, FP32, 1.15));
    scenarios.put("int8", folder -> speed(folder, INT8, 1.9));
    scenarios.put("decode", this::decode);
    if (images != null) {
      scenarios.put("agreement", folder -> agreement(folder, images));
      scenarios.put("right", folder -> right(folder, images));
    }
  }

  /**
   * Runs scenarios by name, or all.
   *
   * @return 0 when every number that is wanted was reached, 1 when not, 2 for an unknown name
   */
  public int run(Set<String> only) throws IOException, InterruptedException {
    return scenarios.run(only, out, work, images == null ? ", and with --images more" : "");
  }

  private boolean speed(Path folder, String who, double wanted)
      throws IOException, InterruptedException {
    var files = DrawnPictures.draw(folder.resolve("pictures"), pictures, SIDE, SIDE);
    var warm = DrawnPictures.draw(folder.resolve("warm"), BATCH, SIDE, SIDE);
    var labels = IntStream.range(0, 10).mapToObj(i -> "a photo of label " + i).toList();
    var took = new LinkedHashMap<String, List<Double>>();
    var load = Machine.load();
    try (var mine = child(folder, who, labels);
        var peer = LabelPeer.start(python, model, folder, threads, BATCH, labels).orElse(null)) {
      took.put(PEER, new ArrayList<>());
      took.put(who, new ArrayList<>());
      mine.ask(warm.toString());
      if (peer != null) {
        peer.ask(warm.toString());
      }
      for (int round = 0; round < rounds; round++) {
        if (peer != null) {
          took.get(PEER).add(ask(peer, files).get("seconds").doubleValue());
        }
        took.get(who).add(ask(mine, files).get("seconds").doubleValue());
      }
    }
    var table =
        new Table(
            out,
            "%d pictures of %d pixels, %d threads, load %s before and %s after"
                .formatted(pictures, SIDE, threads, load, Machine.load()),
            pictures,
            "pictures");
    var peer = table.row(PEER, took.get(PEER));
    double own = table.row(who, took.get(who)).orElseThrow();
    peer.ifPresent(seconds -> table.atLeast(wanted, seconds / own, "× " + PEER));
    return table.print();
  }

  /** Whether the model waits for pictures when these are large. */
  private boolean decode(Path folder) throws IOException, InterruptedException {
    int count = 512;
    var files = DrawnPictures.draw(folder.resolve("pictures"), count, 4000, 3000);
    try (var mine = child(folder, INT8, List.of("a cat", "a dog"))) {
      var said = ask(mine, files);
      double seconds = said.get("seconds").doubleValue();
      double busy = said.get("model").doubleValue() / seconds;
      double decoding = said.get("decoding").doubleValue();
      var table = new Table(out, count + " pictures of 12 MP, int8", count, "pictures");
      table.row("the model alone", said.get("model").doubleValue());
      table.row("decoding alone", decoding / decodeThreads());
      table.row("both at once", seconds);
      boolean reached = table.print();
      out.printf(
          Locale.ROOT,
          "- the model computes %.0f %% of the time; a picture takes %.3f s to decode%n",
          100 * busy,
          decoding / count);
      if (busy < 0.9) {
        out.printf(
            Locale.ROOT,
            "- decoding is the limit: %.0f %% of the model's time is lost%n",
            100 * (1 - busy));
      }
      return reached;
    }
  }

  /** Whether int8 says what fp32 says. */
  private boolean agreement(Path folder, Path images) throws IOException, InterruptedException {
    var labels = labels(images);
    try (var fp32 = child(folder, FP32, labels);
        var int8 = child(folder, INT8, labels)) {
      var layers = Json.mapper().readTree(int8.ask("layers"));
      var exact = said(ask(fp32, images));
      var coarse = said(ask(int8, images));
      long equal =
          IntStream.range(0, exact.size()).filter(i -> exact.get(i).equals(coarse.get(i))).count();
      out.println(
          "\n### int8 beside fp32\n\n%d of %d layers in int8, %d of %d pictures have the same label\n"
              .formatted(
                  layers.get("own").intValue(), layers.get("all").intValue(), equal, exact.size()));
      boolean same = verdict(0.99, (double) equal / exact.size(), "of the labels are equal");
      return same && layers.get("own").intValue() > 0;
    }
  }

  /** Whether the labels are those that the pictures came with. */
  private boolean right(Path folder, Path images) throws IOException, InterruptedException {
    var truth = truth(images);
    try (var fp32 = child(folder, FP32, labels(images))) {
      var said = said(ask(fp32, images));
      var files = LabelMain.pictures(images);
      long right =
          IntStream.range(0, files.size())
              .filter(i -> said.get(i).equals(truth.get(files.get(i).getFileName().toString())))
              .count();
      out.println("\n### Right labels\n\n%d of %d\n".formatted(right, files.size()));
      return verdict(0.95, (double) right / files.size(), "of the labels are right");
    }
  }

  private boolean verdict(double limit, double is, String what) {
    out.printf(
        Locale.ROOT,
        "- wanted ≥ %.2f %s: %.4f %s%n",
        limit,
        what,
        is,
        is >= limit ? "ok" : "**missed**");
    return is >= limit;
  }

  private static Map<String, String> truth(Path images) throws IOException {
    var table = Files.readString(images.resolve("labels.csv"), StandardCharsets.UTF_8);
    var truth = new TreeMap<String, String>();
    for (CaptionRow row : MetadataCsv.read(table)) {
      truth.put(row.fileName(), row.text());
    }
    return truth;
  }

  private static List<String> labels(Path images) throws IOException {
    return List.copyOf(new TreeSet<>(truth(images).values()));
  }

  private static List<String> said(JsonNode answer) {
    var labels = new ArrayList<String>();
    answer.get("labels").forEach(label -> labels.add(label.stringValue()));
    return labels;
  }

  private static JsonNode ask(Child child, Path files) {
    return Json.mapper().readTree(child.ask(files.toString()));
  }

  private int decodeThreads() {
    return Math.max(1, threads / 2);
  }

  private Child child(Path folder, String who, List<String> labels) {
    var child =
        Child.java(
            LabelMain.class,
            folder.resolve("flora.log"),
            List.of(
                "-Xmx3g",
                "--enable-native-access=ALL-UNNAMED",
                "-Dai.djl.pytorch.num_threads=" + threads),
            List.of(
                model.toString(),
                who.equals(INT8) ? "int8" : "fp32",
                Integer.toString(BATCH),
                Integer.toString(decodeThreads()),
                new String(Json.bytes(labels), StandardCharsets.UTF_8),
                folder.resolve("scratch").toString()));
    child.hear();
    return child;
  }
}
