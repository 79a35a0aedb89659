package flora.standalone.bench;

import flora.labeler.caption.ClipLabels;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.ModelCaptioner;
import flora.labeler.caption.StoredEmbeddings;
import flora.labeler.image.PictureReader;
import flora.labeler.work.Busy;
import flora.labeler.work.Entry;
import flora.labeler.work.ShardRow;
import flora.labeler.work.ShardSettings;
import flora.labeler.work.ShardWork;
import flora.models.clip.ClipModel;
import flora.models.image.DecodeLimits;
import flora.models.weights.Precision;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.request.CaptionRules;
import flora.schemas.request.Generation;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.LabelOptions.Mode;
import flora.schemas.request.LabelOptions.Target;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.type.TypeReference;

/**
 * The labeler's pipeline alone in a process: reading, decoding, CLIP. Each line names a folder of
 * pictures, and is answered with one line of JSON: seconds, what the model's thread did in them,
 * and the labels by file name. Files are read into a store in the time given; there are no events
 * and no manifest.
 */
final class LabelMain {

  /** How many pictures lie in the store at once: large ones would not fit all. */
  private static final int AT_ONCE = 64;

  private static final long MAX_BYTES = 64 << 20;

  private LabelMain() {}

  /**
   * @param args the model's folder, its precision, pictures in a batch, decoding threads, the
   *     labels as JSON, an empty folder
   */
  public static void main(String... args) throws Exception {
    var precision = LabelOptions.Precision.valueOf(args[1].toUpperCase(Locale.ROOT));
    List<String> labels = Json.mapper().readValue(args[4], new TypeReference<List<String>>() {});
    var options = options(labels, precision);
    var recipe = LabelRecipe.of(options, "bench/model@0", null);
    var embeddings =
        new StoredEmbeddings(store(), new RepoId("bench/model"), "0".repeat(40), Path.of(args[5]));
    var clip = ClipLabels.open(Path.of(args[0]), options, embeddings, () -> {});
    try (var captioner = new ModelCaptioner(recipe, options, clip, null, null)) {
      System.out.println("ready");
      var settings = ShardSettings.of(Integer.parseInt(args[2]), Integer.parseInt(args[3]));
      var lines = Child.lines();
      for (String line; (line = lines.readLine()) != null; ) {
        if (line.equals("layers")) {
          System.out.println(layers(Path.of(args[0]), precision));
        } else {
          System.out.println(label(Path.of(line), captioner, settings));
        }
      }
    }
  }

  private static LabelOptions options(List<String> labels, LabelOptions.Precision precision) {
    return new LabelOptions(
        Labeler.CLIP,
        null,
        null,
        Map.of(LabelOptions.ONE_KIND, labels),
        Mode.SINGLE,
        List.of("{}"),
        0,
        1,
        CaptionRules.PLAIN,
        Generation.DEFAULT,
        precision,
        Target.CAPTION,
        Animated.FIRST,
        false);
  }

  private static MemoryObjectStore store() {
    var store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }

  /** How many products of matrices there are in this precision's numbers, and in all. */
  private static String layers(Path folder, LabelOptions.Precision precision) {
    var own = precision == LabelOptions.Precision.INT8 ? Precision.INT8 : Precision.FP32_PACKED;
    try (var model = ClipModel.open(folder, own)) {
      int all = 0;
      for (var each : Precision.values()) {
        all += model.products(each);
      }
      return Json.mapper().writeValueAsString(Map.of("own", model.products(own), "all", all));
    }
  }

  private static String label(Path folder, ModelCaptioner captioner, ShardSettings settings)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    var busy = new Busy(0, 0, 0, 0, 0);
    var labels = new ArrayList<String>();
    var files = pictures(folder);
    for (int from = 0; from < files.size(); from += AT_ONCE) {
      var store = store();
      var entries = new ArrayList<Entry>();
      for (var file : files.subList(from, Math.min(from + AT_ONCE, files.size()))) {
        var bytes = Files.readAllBytes(file);
        var name = file.getFileName().toString();
        store.put(StoreLayout.DATASETS, name, bytes, "application/octet-stream");
        entries.add(Entry.of(name, StoreLayout.DATASETS, name, bytes.length));
      }
      var reader = new PictureReader(store, Clock.systemUTC(), MAX_BYTES, DecodeLimits.DEFAULT);
      var work = new ShardWork(reader, captioner, settings, System::nanoTime);
      busy = busy.plus(work.run(entries.iterator(), row -> labels.add(text(row)), () -> {}));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return Json.mapper()
        .writeValueAsString(
            Map.of(
                "seconds",
                seconds,
                "model",
                busy.model() / 1e9,
                "decoding",
                busy.decoding() / 1e9,
                "labels",
                labels));
  }

  private static String text(ShardRow row) {
    return switch (row) {
      case ShardRow.Labelled(var labelled, _) -> labelled.text();
      case ShardRow.Left(var why) ->
          throw new IllegalStateException(why.fileName() + ": " + why.reason());
    };
  }

  static List<Path> pictures(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".jpg") || file.toString().endsWith(".png"))
          .sorted()
          .toList();
    }
  }
}
