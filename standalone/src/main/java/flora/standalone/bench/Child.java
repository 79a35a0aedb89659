package flora.standalone.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** A process that is spoken to in lines. */
final class Child implements AutoCloseable {

  private final String name;
  private final Process process;
  private final BufferedReader out;
  private final Writer in;

  private Child(String name, Process process) {
    this.name = name;
    this.process = process;
    out = process.inputReader(StandardCharsets.UTF_8);
    in = process.outputWriter(StandardCharsets.UTF_8);
  }

  /** What the launcher sets for Flora, and a peer's users do not have. */
  private static final Set<String> LAUNCHER =
      Set.of(
          "OMP_WAIT_POLICY",
          "GOMP_SPINCOUNT",
          "MALLOC_ARENA_MAX",
          "MALLOC_MMAP_THRESHOLD_",
          "MALLOC_TRIM_THRESHOLD_");

  /**
   * Starts a main class as the launcher does; what it says on standard error goes to a log file.
   */
  static Child java(Class<?> main, Path log, List<String> options, List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    return start(main.getSimpleName(), log, new ProcessBuilder(command));
  }

  /**
   * Starts a peer's program in Python, in the environment that the caller's user has.
   *
   * @param threads that compute
   */
  static Child python(String name, Path log, int threads, List<String> command) {
    var builder = new ProcessBuilder(command);
    var environment = builder.environment();
    environment.keySet().removeAll(LAUNCHER);
    var number = Integer.toString(threads);
    environment.putAll(
        Map.of("HF_HUB_OFFLINE", "1", "OMP_NUM_THREADS", number, "MKL_NUM_THREADS", number));
    return start(name, log, builder);
  }

  private static Child start(String name, Path log, ProcessBuilder builder) {
    try {
      builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
      return new Child(name, builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void say(String line) {
    try {
      in.write(line + "\n");
      in.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(name + " does not listen any more", e);
    }
  }

  /** Its next line. */
  String hear() {
    try {
      var line = out.readLine();
      if (line == null) {
        throw new IOException(name + " has ended; its log says why");
      }
      return line;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String ask(String line) {
    say(line);
    return hear();
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Ends it by ending its standard input. */
  @Override
  public void close() {
    try {
      in.close();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Lines of standard input, for the main method of a child. */
  static BufferedReader lines() {
    return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  }
}
