package flora.trainer.watch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What this process takes of the machine: processor and memory by {@code /proc} where there is one,
 * and what {@code nvidia-smi} tells of the first graphics card where that can be run. Thread-safe.
 */
public final class ResourceMeter {

  /**
   * One reading.
   *
   * @param cpuPercent of one core, since the reading before: 200 is two cores at work
   * @param memoryBytes resident
   * @param gpuPercent busy share of the card; null where there is none
   * @param gpuMemoryBytes used on the card by whoever
   */
  public record Usage(
      double cpuPercent,
      long memoryBytes,
      @Nullable Double gpuPercent,
      @Nullable Long gpuMemoryBytes) {}

  private record Card(double percent, long bytes) {}

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final long CARD_NANOS = Duration.ofSeconds(5).toNanos();

  private final LongSupplier nanoTime;
  private final List<String> query;
  private long before;
  private long cpuBefore;
  private long askedAt;
  private boolean hasCard = true;
  private @Nullable Card card;

  /**
   * @param nanoTime a clock that only runs forward, nanoseconds
   */
  public ResourceMeter(LongSupplier nanoTime) {
    this(
        nanoTime,
        List.of(
            "nvidia-smi",
            "--query-gpu=utilization.gpu,memory.used",
            "--format=csv,noheader,nounits",
            "--id=0"));
  }

  ResourceMeter(LongSupplier nanoTime, List<String> query) {
    this.nanoTime = nanoTime;
    this.query = query;
    this.before = nanoTime.getAsLong();
    this.cpuBefore = cpuNanos();
    this.askedAt = before - CARD_NANOS;
  }

  /** What was taken since the last call. */
  public synchronized Usage read() {
    long now = nanoTime.getAsLong();
    long cpu = cpuNanos();
    double percent = now > before ? 100.0 * (cpu - cpuBefore) / (now - before) : 0;
    before = now;
    cpuBefore = cpu;
    if (hasCard && now - askedAt >= CARD_NANOS) {
      askedAt = now;
      card = card().orElse(null);
      hasCard = card != null;
    }
    var known = card;
    return new Usage(
        percent,
        resident(),
        known == null ? null : known.percent(),
        known == null ? null : known.bytes());
  }

  private static long cpuNanos() {
    return ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  private static long resident() {
    try {
      var found = RESIDENT.matcher(Files.readString(STATUS));
      return found.find() ? Long.parseLong(found.group(1)) << 10 : 0;
    } catch (IOException e) {
      // not Linux
      return Runtime.getRuntime().totalMemory();
    }
  }

  /** Empty where there is no card, and where the driver hangs: it is not asked again then. */
  private Optional<Card> card() {
    try {
      var process =
          new ProcessBuilder(query).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      try {
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
          return Optional.empty();
        }
        var line = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        return parse(line);
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** {@code 87, 10240}: percent and MiB. */
  private static Optional<Card> parse(String line) {
    var words = line.strip().split("\\s*,\\s*");
    try {
      return words.length == 2
          ? Optional.of(new Card(Double.parseDouble(words[0]), Long.parseLong(words[1]) << 20))
          : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
