package flora.models.block;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * Which of the engine's two libraries multiplies large fp32 matrices faster. MKL keeps its kernels
 * of 512 bits for Intel's processors; oneDNN takes them wherever they are.
 */
enum Multiplier {
  MKL,
  ONEDNN;

  /** Where Linux describes the processor. */
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  private static final Multiplier HERE = of(CPUINFO);

  /** Below this many rows the kernel's reordering costs more than the faster product saves. */
  private static final int FEWEST_ROWS = 64;

  /**
   * What suits a processor.
   *
   * @param cpuinfo as Linux writes it; need not be there
   */
  static Multiplier of(Path cpuinfo) {
    try (var lines = Files.lines(cpuinfo)) {
      var facts =
          lines
              .takeWhile(line -> !line.isBlank())
              .map(line -> line.split("\\s*:\\s*", 2))
              .filter(words -> words.length == 2)
              .collect(Collectors.toMap(words -> words[0], words -> words[1], (one, _) -> one));
      boolean isAmd = "AuthenticAMD".equals(facts.get("vendor_id"));
      boolean isWide = (" " + facts.get("flags") + " ").contains(" avx512f ");
      return isAmd && isWide ? ONEDNN : MKL;
    } catch (IOException | UncheckedIOException e) {
      return MKL;
    }
  }

  /** What suits this processor. */
  static Multiplier here() {
    return HERE;
  }

  /** Whether a product with so many rows is better computed as a convolution. */
  boolean prefersPixels(long rows) {
    return this == ONEDNN && rows >= FEWEST_ROWS;
  }
}
