package flora.fetcher.download;

import com.sun.management.HotSpotDiagnosticMXBean;
import flora.fetcher.download.Instance.Source;
import flora.fetcher.download.ObservedStore.Step;
import flora.store.LocalFiles;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;

/**
 * A fetching instance in a process of its own, to be killed or stopped. Obeys lines: {@code fetch
 * ID REPO} (answered some time by {@code done ID BUCKET KEY} or {@code failed ID WHY}), {@code trap
 * before|after OPERATION KEY_END NTH} (tells {@code caught} when it is), {@code open}, and {@code
 * threads ID} (answered by {@code done ID threads N}).
 */
final class WorkerMain {

  private static volatile Trap trap = new Trap(_ -> false, 1, Trap.Fate.SLEEP);

  private WorkerMain() {}

  /**
   * @param args the store's endpoint, milliseconds of silence, the hub and its mirrors
   */
  public static void main(String... args) throws Exception {
    var out = System.out;
    System.setOut(System.err); // for the log
    var s3 =
        new S3ObjectStore(
            URI.create(args[0]),
            "flora",
            new Secret("flora-secret"),
            "us-east-1",
            LocalFiles.none());
    var sources = Arrays.stream(args).skip(2).map(Source::parse).toList();
    var silence = Duration.ofMillis(Long.parseLong(args[1]));
    var instance = new Instance(new ObservedStore(s3, WorkerMain::at), silence, sources);
    say(out, "ready");
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      var words = line.split(" ");
      switch (words[0]) {
        case "fetch" -> Thread.ofVirtual().start(() -> fetch(instance, words[1], words[2], out));
        case "trap" -> lay(words, out);
        case "open" -> trap.open();
        case "threads" -> say(out, "done " + words[1] + " threads " + downloadThreads());
        default -> throw new IllegalArgumentException(line);
      }
    }
    System.exit(0);
  }

  /** Threads of the engine, virtual ones too. */
  private static long downloadThreads() throws IOException {
    var dump = Files.createTempDirectory("threads").resolve("dump");
    ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
        .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
    try (var lines = Files.lines(dump)) {
      return lines.filter(line -> line.startsWith("#") && line.contains("\"download-")).count();
    }
  }

  private static void at(Step step) {
    trap.at(step);
  }

  private static void lay(String[] words, PrintStream out) {
    var laid =
        new Trap(
            Trap.on(words[1].equals("before"), words[2], words[3]),
            Integer.parseInt(words[4]),
            Trap.Fate.SLEEP);
    trap = laid;
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                laid.awaitSprung();
                say(out, "caught");
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private static void fetch(Instance instance, String id, String repo, PrintStream out) {
    try {
      var manifest = instance.fetch(repo);
      say(out, "done " + id + " " + manifest.bucket() + " " + manifest.key());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
      say(out, "failed " + id + " " + String.valueOf(e).replace('\n', ' '));
    }
  }

  private static synchronized void say(PrintStream out, String line) {
    out.println(line);
    out.flush();
  }
}
