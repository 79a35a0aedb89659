package flora.standalone.bench;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/** The other downloaders, each a process. Their disk copy is deleted after it was timed. */
final class Peers {

  /** Time of the call alone, without the interpreter's start. */
  private static final String SNAPSHOT =
      """
      import os, sys, time
      from huggingface_hub import snapshot_download
      start = time.perf_counter()
      snapshot_download(sys.argv[1], local_dir=sys.argv[2])
      print(time.perf_counter() - start)
      """;

  private record Ran(String said, double seconds) {}

  private final Path folder;
  private final String python;

  /**
   * @param folder for their downloads and their complaints
   * @param python an interpreter that has {@code huggingface_hub}
   */
  Peers(Path folder, String python) {
    this.folder = folder;
    this.python = python;
  }

  /** Seconds of curl with one connection; empty when it is not installed. */
  OptionalDouble curl(URI url) throws IOException, InterruptedException {
    return timed("curl", List.of("curl", "-sSfL", "-o", "file", url.toString()));
  }

  /**
   * Seconds of {@code aria2c} with 16 connections; empty when it is not installed.
   *
   * @param more options
   */
  OptionalDouble aria2(URI url, String... more) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("aria2c", "-q", "-x16", "-s16", "-o", "file"));
    command.add("--file-allocation=none");
    command.addAll(List.of(more));
    command.add(url.toString());
    return timed("aria2c", command);
  }

  /** Seconds of {@code snapshot_download} to disk; empty when Python does not have it. */
  OptionalDouble snapshot(URI hub, String repo) throws IOException, InterruptedException {
    var probe = run(List.of(python, "-c", "import huggingface_hub"), hub);
    if (probe.isEmpty()) {
      return OptionalDouble.empty();
    }
    var ran = run(List.of(python, "-c", SNAPSHOT, repo, "copy"), hub);
    if (ran.isEmpty()) {
      throw new IOException("snapshot_download failed; see " + folder.resolve("peers.log"));
    }
    return OptionalDouble.of(Double.parseDouble(ran.get().said().strip()));
  }

  private OptionalDouble timed(String program, List<String> command)
      throws IOException, InterruptedException {
    if (!isInstalled(program)) {
      return OptionalDouble.empty();
    }
    var ran = run(command, URI.create("http://127.0.0.1"));
    if (ran.isEmpty()) {
      throw new IOException(program + " failed; see " + folder.resolve("peers.log"));
    }
    return OptionalDouble.of(ran.get().seconds());
  }

  private static boolean isInstalled(String program) {
    var path = System.getenv().getOrDefault("PATH", "");
    for (var place : path.split(File.pathSeparator)) {
      if (Files.isExecutable(Path.of(place, program))) {
        return true;
      }
    }
    return false;
  }

  /** Empty when it failed. Its files are gone afterwards; the time for that does not count. */
  private Optional<Ran> run(List<String> command, URI hub)
      throws IOException, InterruptedException {
    var work = Files.createTempDirectory(folder, "peer");
    try {
      var builder = new ProcessBuilder(command).directory(work.toFile());
      var environment = builder.environment();
      environment.keySet().removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
      environment.put("HF_ENDPOINT", hub.toString());
      environment.put("HF_HOME", work.resolve("home").toString());
      environment.put("HF_HUB_DISABLE_PROGRESS_BARS", "1");
      environment.put("HF_HUB_DISABLE_TELEMETRY", "1");
      environment.put("HF_HUB_DISABLE_XET", "1");
      var log = folder.resolve("peers.log").toFile();
      long start = System.nanoTime();
      var process = builder.redirectError(ProcessBuilder.Redirect.appendTo(log)).start();
      var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      boolean done = process.waitFor() == 0;
      var ran = new Ran(said, (System.nanoTime() - start) / 1e9);
      return done ? Optional.of(ran) : Optional.empty();
    } finally {
      BenchFiles.delete(work);
    }
  }
}
