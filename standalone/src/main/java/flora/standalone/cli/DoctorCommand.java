package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** {@code flora doctor}: what this machine lacks, and what to do about it. */
@Command(name = "doctor", description = "Check this machine: Java, memory, disk, ports, hub.")
final class DoctorCommand implements Callable<Integer> {

  private static final long GIB = 1L << 30;
  private static final URI HUB = URI.create("https://huggingface.co");

  /**
   * What one look found.
   *
   * @param verdict ok, a warning, or something that will not work
   * @param text the finding
   * @param remedy what to do, when there is something to do
   */
  record Finding(Verdict verdict, String text, @Nullable String remedy) {

    enum Verdict {
      OK,
      WARN,
      FAIL
    }

    static Finding ok(String text) {
      return new Finding(Verdict.OK, text, null);
    }

    static Finding warn(String text, String remedy) {
      return new Finding(Verdict.WARN, text, remedy);
    }

    static Finding fail(String text, String remedy) {
      return new Finding(Verdict.FAIL, text, remedy);
    }
  }

  @Override
  public Integer call() throws Exception {
    var findings = examine(System.getenv());
    for (var finding : findings) {
      System.out.printf(
          "%-4s  %s%n",
          finding.verdict().toString().toLowerCase(java.util.Locale.ROOT), finding.text());
      if (finding.remedy() != null) {
        System.out.println("      " + finding.remedy());
      }
    }
    boolean broken = findings.stream().anyMatch(f -> f.verdict() == Finding.Verdict.FAIL);
    return broken ? Main.RUN_FAILED : Main.DONE;
  }

  static List<Finding> examine(Map<String, String> environment) throws InterruptedException {
    var findings = new ArrayList<Finding>();
    findings.add(java(Runtime.version().feature()));
    findings.add(platform(System.getProperty("os.name"), System.getProperty("os.arch")));
    findings.add(memory(physicalMemory()));
    findings.add(disk(Path.of(environment.getOrDefault("FLORA_DATA", ".flora"))));
    for (var port :
        Map.of("FLORA_PORT", 8080, "FLORA_KAFKA_PORT", 9092, "FLORA_S3_PORT", 9000).entrySet()) {
      findings.add(port(port.getKey(), port.getValue(), environment));
    }
    findings.add(hub(environment));
    return findings;
  }

  static Finding java(int feature) {
    return feature >= 25
        ? Finding.ok("Java " + feature)
        : Finding.fail(
            "Java %d; 25 or newer is needed".formatted(feature),
            "install a JDK 25 and set JAVA_HOME to it");
  }

  static Finding platform(String os, String architecture) {
    boolean native64 =
        os.equals("Linux") && (architecture.equals("amd64") || architecture.equals("x86_64"));
    return native64
        ? Finding.ok("Linux on x86-64: the bundled PyTorch runs here")
        : Finding.fail(
            "%s on %s: only the PyTorch for Linux on x86-64 is bundled".formatted(os, architecture),
            "use such a machine, or the containers of docker-compose.yml on one");
  }

  static Finding memory(long bytes) {
    var text = "memory " + StageLine.bytes(bytes);
    if (bytes >= 12 * GIB) {
      return Finding.ok(text);
    }
    return bytes >= 4 * GIB
        ? Finding.warn(
            text + ": enough for the demo and small models",
            "a Stable Diffusion 1.5 run at 512 pixels takes up to 12 GB")
        : Finding.fail(text + ": less than the 4 GB that the demo takes", "use a larger machine");
  }

  private static Finding disk(Path data) {
    try {
      var folder = data.toAbsolutePath();
      while (!Files.exists(folder) && folder.getParent() != null) {
        folder = folder.getParent();
      }
      long free = Files.getFileStore(folder).getUsableSpace();
      if (!Files.isWritable(folder)) {
        return Finding.fail(
            "data folder " + data + " cannot be written", "set FLORA_DATA to a folder of yours");
      }
      var text = "data folder %s, %s free".formatted(data, StageLine.bytes(free));
      return free >= 12 * GIB
          ? Finding.ok(text)
          : Finding.warn(
              text, "Stable Diffusion 1.5 takes about 5 GB, its run some more; see FLORA_DATA");
    } catch (IOException e) {
      return Finding.fail(
          "data folder %s: %s".formatted(data, e.getMessage()),
          "set FLORA_DATA to a folder of yours");
    }
  }

  private static Finding port(String variable, int standard, Map<String, String> environment) {
    var given = environment.getOrDefault(variable, "");
    if (given.isEmpty()) {
      given = Integer.toString(standard);
    }
    int port;
    try {
      port = Integer.parseInt(given);
    } catch (NumberFormatException e) {
      return Finding.fail(
          variable + " is '" + given + "'", "expected a port number, or 0 for a free one");
    }
    if (port == 0) {
      return Finding.ok(variable + ": a free port");
    }
    try (var socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return Finding.ok("port " + port + " is free");
    } catch (IOException e) {
      return Finding.warn(
          "port %d is taken (%s)".formatted(port, e.getMessage()),
          "fine when Flora is up already; else set %s to another port, or 0".formatted(variable));
    }
  }

  private static Finding hub(Map<String, String> environment) throws InterruptedException {
    URI hub;
    try {
      var given = environment.getOrDefault("HF_ENDPOINT", "");
      hub = given.isEmpty() ? HUB : URI.create(given);
    } catch (IllegalArgumentException e) {
      return Finding.fail("HF_ENDPOINT is no URL", "expected something like " + HUB);
    }
    var where = hub.getScheme() + "://" + hub.getAuthority();
    try (var http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(3)).build()) {
      var request =
          HttpRequest.newBuilder(hub)
              .timeout(Duration.ofSeconds(5))
              .method("HEAD", HttpRequest.BodyPublishers.noBody())
              .build();
      http.send(request, BodyHandlers.discarding());
      return Finding.ok("hub " + where + " answers");
    } catch (IOException | IllegalArgumentException e) {
      return Finding.warn(
          "hub %s does not answer from here".formatted(where),
          "set HF_ENDPOINT to a mirror that does; behind HTTPS_PROXY this look goes past the proxy; the"
              + " demo needs no hub");
    }
  }

  private static long physicalMemory() {
    var system = ManagementFactory.getOperatingSystemMXBean();
    return system instanceof com.sun.management.OperatingSystemMXBean bean
        ? bean.getTotalMemorySize()
        : Runtime.getRuntime().maxMemory();
  }
}
