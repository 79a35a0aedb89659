package flora.models.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The memory in which mapped weights lie, which can be given back to the system at any time: what
 * is needed again is read from the page cache, or from the file.
 *
 * <p>Values stay the same; time is lost, and much of it where the system has no room to cache the
 * file. Linux only ({@code madvise}, MADV_DONTNEED). Nobody may write to mapped weights: what was
 * written would be lost. One thread at a time.
 */
public final class WeightPages {
  private static final Path MAPPINGS = Path.of("/proc/self/maps");
  private static final int MADV_DONTNEED = 4;

  private record Range(long start, long bytes) {}

  private final Weights weights;
  private final List<Range> ranges;
  private final MethodHandle madvise;

  private WeightPages(Weights weights, List<Range> ranges, MethodHandle madvise) {
    this.weights = weights;
    this.ranges = List.copyOf(ranges);
    this.madvise = madvise;
  }

  /**
   * The pages of all files of these weights; empty where nothing is mapped, and on other systems
   * than Linux.
   */
  public static Optional<WeightPages> of(Weights weights) {
    if (!System.getProperty("os.name", "").equals("Linux") || !Files.isReadable(MAPPINGS)) {
      return Optional.empty();
    }
    try {
      Set<String> files = new HashSet<>();
      for (Path file : weights.mappedFiles()) {
        files.add(file.toRealPath().toString());
      }
      List<Range> ranges = ranges(Files.readAllLines(MAPPINGS), files);
      return ranges.isEmpty()
          ? Optional.empty()
          : madvise().map(handle -> new WeightPages(weights, ranges, handle));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot find where " + weights.source() + " is mapped", e);
    }
  }

  /** How many bytes are mapped, in memory or not. */
  public long mappedBytes() {
    return ranges.stream().mapToLong(Range::bytes).sum();
  }

  /**
   * Gives all pages back.
   *
   * @throws IllegalStateException when the weights were closed
   */
  public void drop() {
    if (weights.mappedFiles().isEmpty()) {
      // something else may lie there by now
      throw new IllegalStateException(weights.source() + " is closed");
    }
    for (Range range : ranges) {
      int failed;
      try {
        failed =
            (int)
                madvise.invokeExact(
                    MemorySegment.ofAddress(range.start()), range.bytes(), MADV_DONTNEED);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("cannot call madvise", e);
      }
      if (failed != 0) {
        throw new IllegalStateException(
            "the system refuses to take back the pages of " + weights.source());
      }
    }
  }

  /**
   * Drops at every so many calls; to be called after each segment of a computation ({@link
   * flora.models.aten.Segments}).
   *
   * @param calls 1 needs the least memory and the most time; half the number of segments drops at
   *     four points of a training step
   */
  public Runnable every(int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException("calls is 1 or more, not " + calls);
    }
    return new Runnable() {
      private int made;

      @Override
      public void run() {
        made++;
        if (made == calls) {
          made = 0;
          drop();
        }
      }
    };
  }

  /** Private mappings only: {@code 7f00-7f10 rw-p 00000000 08:01 42 /path}. */
  private static List<Range> ranges(List<String> mappings, Set<String> files) {
    var ranges = new ArrayList<Range>();
    for (String mapping : mappings) {
      String[] fields = mapping.split(" +", 6);
      if (fields.length == 6 && fields[1].endsWith("p") && files.contains(fields[5])) {
        int dash = fields[0].indexOf('-');
        long start = Long.parseUnsignedLong(fields[0].substring(0, dash), 16);
        long end = Long.parseUnsignedLong(fields[0].substring(dash + 1), 16);
        ranges.add(new Range(start, end - start));
      }
    }
    return ranges;
  }

  @SuppressWarnings("restricted") // the launcher allows native access
  private static Optional<MethodHandle> madvise() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("madvise")
        .map(
            address ->
                linker.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT)));
  }
}
