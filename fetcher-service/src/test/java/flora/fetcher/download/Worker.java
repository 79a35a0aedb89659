package flora.fetcher.download;

import flora.fetcher.download.Instance.Source;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A {@link WorkerMain} from outside. */
final class Worker implements AutoCloseable {

  /** What it says when it can say nothing any more. */
  static final String GONE = "gone";

  private final Process process;
  private final Writer in;
  private final BlockingQueue<String> said = new LinkedBlockingQueue<>();

  private Worker(Process process) {
    this.process = process;
    in = process.outputWriter(StandardCharsets.UTF_8);
    Thread.ofVirtual().start(this::listen);
  }

  /** Starts one; it is of use when it has said that it is ready. */
  static Worker start(URI store, Duration silence, List<Source> sources, Path log) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    command.add("-Djdk.trackAllThreads=true");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(WorkerMain.class.getName());
    command.addAll(List.of(store.toString(), Long.toString(silence.toMillis())));
    sources.forEach(source -> command.add(source.toString()));
    try {
      return new Worker(
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void listen() {
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line; (line = out.readLine()) != null; ) {
        said.add(line);
      }
    } catch (IOException e) {
      // it was killed in the middle of a line
    } finally {
      said.add(GONE);
    }
  }

  void say(String line) {
    try {
      in.write(line + "\n");
      in.flush();
    } catch (IOException e) {
      // it has gone, and says so
    }
  }

  /** Its next line, {@link #GONE} when there will be none. */
  String hear() throws InterruptedException {
    var line = said.poll(60, TimeUnit.SECONDS);
    if (line == null) {
      throw new IllegalStateException("a worker has said nothing for a minute");
    }
    return line;
  }

  /** Its next line, however long that takes. */
  String await() throws InterruptedException {
    return said.take();
  }

  /** Waits until it says something that begins with this. */
  String hear(String beginning) throws InterruptedException {
    var line = hear();
    if (!line.startsWith(beginning)) {
      throw new IllegalStateException("expected %s…, got %s".formatted(beginning, line));
    }
    return line;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Lets it stand still as it is. */
  void stop() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** Lets it go on as if nothing had been. */
  void goOn() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    var pid = Long.toString(process.pid());
    int code = new ProcessBuilder("kill", "-" + name, pid).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("kill -%s %s ended with %d".formatted(name, pid, code));
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
