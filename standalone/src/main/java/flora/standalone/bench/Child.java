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

  /** Starts a main class; what it says on standard error goes to a log file. */
  static Child java(Class<?> main, Path log, List<String> options, List<String> arguments) {
    return java(main, log, Map.of(), options, arguments);
  }

  /** {@link #java(Class, Path, List, List)} with more in its environment. */
  static Child java(
      Class<?> main,
      Path log,
      Map<String, String> environment,
      List<String> options,
      List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    return start(main.getSimpleName(), log, environment, command);
  }

  /** Starts any program that is spoken to in lines. */
  static Child start(String name, Path log, Map<String, String> environment, List<String> command) {
    try {
      var builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
      builder.environment().putAll(environment);
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
