package flora.standalone.demo;

import flora.schemas.Sha256;
import flora.schemas.run.Run;
import flora.standalone.Standalone;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.RunFollower;
import flora.standalone.client.StageLine;
import flora.standalone.demo.PictureGenerator.Style;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/**
 * {@code ./flora demo}: a hub, the whole pipeline and a run on it, as a user would have them; then
 * the same prompts without and with the new adapter.
 */
public final class Demo implements AutoCloseable {

  /** The style was learned; or, of a control, that it was not. */
  public static final int PASSED = 0;

  /** The run failed, or the statistic says otherwise. */
  public static final int FAILED = 1;

  private static final int EXAMPLES = 8;
  private static final long PREVIEW_SEED = 7;

  /**
   * How to go about it.
   *
   * @param folder gets the previews and the adapter; the pipeline's own data lie below it meanwhile
   * @param keep goes on serving afterwards
   * @param control learns from shuffled tiles instead of stripes, which must not pass
   * @param bars progress as bars on a terminal; else plain lines
   */
  public record Options(Path folder, boolean keep, boolean control, boolean bars) {}

  private final Options options;
  private final PrintStream out;
  private final Path data;
  private final List<AutoCloseable> open = new ArrayList<>();

  private Demo(Options options, PrintStream out, Path data) {
    this.options = options;
    this.out = out;
    this.data = data;
  }

  /**
   * Runs the demo and says on {@code out} what happens.
   *
   * @return the exit code
   */
  public static int run(Options options, PrintStream out) throws IOException, InterruptedException {
    Files.createDirectories(options.folder());
    var data = Files.createTempDirectory(options.folder().toAbsolutePath(), "data-");
    var demo = new Demo(options, out, data);
    // Ctrl-C stops in order too
    Runtime.getRuntime().addShutdownHook(new Thread(demo::close, "demo-shutdown"));
    try (demo) {
      return demo.run();
    }
  }

  private int run() throws IOException, InterruptedException {
    long start = System.nanoTime();
    out.println("A style that the model does not know, learned from 24 drawings.");
    var hub = opened(DemoHub.start(data.resolve("hub")));
    out.printf(
        "hub      %s serves %s and %s%n", hub.endpoint(), DemoHub.BASE_MODEL, DemoHub.LABEL_MODEL);
    var flora = opened(Standalone.start(environment(hub)));
    out.printf("%s, after %s%n", flora.readyLine(), since(start));
    var client = opened(new GatewayClient(flora.gateway(), null));

    var pictures = pictures();
    new FolderUpload(client, "striped", out).send(pictures, null);
    var submitted = client.submit(Bundle.bytes("run.yaml"), "application/yaml");
    out.printf("run      %s/v1/runs/%s%n", flora.gateway(), submitted.id());
    var style = options.bars() ? RunFollower.Style.BARS : RunFollower.Style.LINES;
    var run = new RunFollower(client, out, style).follow(submitted.id());

    int code = FAILED;
    if (run.status() == Run.Status.SUCCEEDED) {
      code = report(hub, client, run) ? PASSED : FAILED;
    } else {
      out.println(failure(run));
    }
    out.printf("%s in %s%n", code == PASSED ? "done" : "not passed", since(start));
    if (options.keep()) {
      serve(hub, flora);
    }
    return code;
  }

  /** Whether all is as it should be. */
  private boolean report(DemoHub hub, GatewayClient client, Run run)
      throws IOException, InterruptedException {
    var report = new DemoReport(out);
    report.fetched(hub.downloaded(), hub.listed());
    report.labels(client.metadataCsv("striped"), DemoPictures.drawings(), EXAMPLES);
    report.loss(run.checkpoints());

    var artifact = kohya(run);
    var adapter = options.folder().resolve(Path.of(artifact.name()).getFileName());
    client.download(artifact.url(), adapter);
    var verdict = previews(hub, adapter);
    out.printf("adapter  %s%n", adapter);
    out.printf("sha256   %s%n", artifact.sha256().hex());
    if (!Sha256.sum(Files.readAllBytes(adapter)).equals(artifact.sha256())) {
      out.println("the downloaded adapter has another digest than the run says");
      return false;
    }
    return report.verdict(verdict, options.control());
  }

  private StyleStatistic.Verdict previews(DemoHub hub, Path adapter) throws IOException {
    List<BufferedImage> before;
    List<BufferedImage> after;
    try (var previews = Previews.open(hub.folder(DemoHub.BASE_MODEL), PREVIEW_SEED)) {
      before = previews.without();
      after = previews.with(adapter);
    }
    var sheet =
        PreviewSheet.of(
            List.of(
                learnedFrom(),
                PreviewSheet.Row.measured("without the adapter", before, Previews.PROMPTS),
                PreviewSheet.Row.measured("with the adapter", after, Previews.PROMPTS)));
    var file = options.folder().resolve("previews.png");
    Files.write(file, DemoPictures.png(sheet));
    out.printf("previews %s%n", file);
    return StyleStatistic.compare(before, after);
  }

  private PreviewSheet.Row learnedFrom() throws IOException {
    var pictures = new ArrayList<BufferedImage>();
    var names = new ArrayList<String>();
    for (int i = 0; i < EXAMPLES; i++) {
      var drawing = DemoPictures.drawings().get(i);
      var file = data.resolve("pictures").resolve(DemoPictures.fileName(i));
      pictures.add(ImageIO.read(new ByteArrayInputStream(Files.readAllBytes(file))));
      names.add(drawing.label());
    }
    return PreviewSheet.Row.measured("learned from", pictures, names);
  }

  /** The pictures as a user would have them: files in a folder. */
  private Path pictures() throws IOException {
    var files =
        options.control()
            ? DemoPictures.drawn(
                PictureGenerator.samples(DemoPictures.COUNT, Style.SHUFFLED, DemoPictures.SEED))
            : DemoPictures.bundled();
    var folder = Files.createDirectories(data.resolve("pictures"));
    for (var file : files.entrySet()) {
      Files.write(folder.resolve(file.getKey()), file.getValue());
    }
    return folder;
  }

  private Map<String, String> environment(DemoHub hub) {
    return Map.of(
        "FLORA_DATA", data.resolve("flora").toString(),
        "FLORA_PORT", "0",
        "FLORA_KAFKA_PORT", "0",
        "FLORA_S3_PORT", "0",
        "HF_ENDPOINT", hub.endpoint().toString());
  }

  private static Run.RunArtifact kohya(Run run) {
    return run.artifacts().stream()
        .filter(artifact -> artifact.name().startsWith("adapter/kohya/"))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the run left no adapter/kohya"));
  }

  private static String failure(Run run) {
    var error = run.error();
    return error == null
        ? "the run ended " + run.status()
        : "%s in %s: %s".formatted(error.code(), error.stage().id(), error.message());
  }

  private void serve(DemoHub hub, Standalone flora) throws InterruptedException {
    out.printf("%s hub=%s%n", flora.readyLine(), hub.endpoint());
    out.println("serving until Ctrl-C");
    new CountDownLatch(1).await();
  }

  private static String since(long nanos) {
    return StageLine.duration(Duration.ofNanos(System.nanoTime() - nanos).toSeconds());
  }

  private synchronized <T extends AutoCloseable> T opened(T resource) {
    open.add(resource);
    return resource;
  }

  /** Stops everything, the last first, and removes the pipeline's data. */
  @Override
  public synchronized void close() {
    for (var resource : open.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        out.println("did not stop in order: " + e.getMessage());
      }
    }
    open.clear();
    remove(data);
  }

  private static void remove(@Nullable Path folder) {
    if (folder == null || !Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      // somebody else's hand is in it; the rest stays
    }
  }
}
