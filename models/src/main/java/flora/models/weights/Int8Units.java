package flora.models.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/**
 * Whether a processor multiplies and adds numbers of 8 bits in one instruction. Without such
 * instructions {@link Precision#INT8} is right and tends to be slower than fp32: each product is
 * widened first.
 */
public enum Int8Units {
  /** It does. */
  THERE,

  /** It does not. */
  MISSING,

  /** Nobody says: another system than Linux, or another processor than x86 and ARM. */
  UNKNOWN;

  /** Where Linux tells. */
  public static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** The names that Linux has for them: of x86 three, of ARM two. */
  private static final Set<String> NAMES =
      Set.of("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm");

  /**
   * What a file says as Linux writes it, of the first processor.
   *
   * @param cpuinfo {@link #CPUINFO}; need not be there
   */
  public static Int8Units of(Path cpuinfo) {
    try (var lines = Files.lines(cpuinfo)) {
      return lines
          .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
          .findFirst()
          .map(Int8Units::among)
          .orElse(UNKNOWN);
    } catch (IOException | UncheckedIOException e) {
      return UNKNOWN;
    }
  }

  private static Int8Units among(String line) {
    var features = line.substring(line.indexOf(':') + 1).strip().split("\\s+");
    return Arrays.stream(features).anyMatch(NAMES::contains) ? THERE : MISSING;
  }
}
