package flora.trainer.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the last digits of a computation depend on. Between two machines with the same fingerprint a
 * resumed run is exact to the bit; otherwise sums may be formed in another order.
 *
 * @param nativeBuild the engine and its version
 * @param cpu architecture, family and model, and the vector extensions that kernels are chosen by
 * @param threads threads that share one operator
 * @param device what computes
 */
public record ComputeFingerprint(String nativeBuild, String cpu, int threads, String device) {

  /** Flags of Linux' cpuinfo that ATen, oneDNN and MKL choose kernels by. */
  private static final Set<String> VECTOR_FLAGS =
      Set.of(
          "sse4_2",
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512vl",
          "avx512dq",
          "avx512_vnni",
          "avx512_bf16",
          "avx512_fp16",
          "amx_bf16",
          "amx_int8",
          "amx_tile",
          "asimd",
          "asimdhp",
          "asimddp",
          "bf16",
          "i8mm",
          "sve",
          "sve2");

  private static final List<String> MODEL_KEYS =
      List.of("vendor_id", "cpu family", "model", "CPU implementer", "CPU part");

  /**
   * The fingerprint of this machine.
   *
   * @param cpuinfo usually {@code /proc/cpuinfo}; where it is missing, the architecture must do
   */
  public static ComputeFingerprint of(
      String nativeBuild, String architecture, Path cpuinfo, int threads, String device) {
    var cpu = new StringBuilder(architecture);
    var flags = new TreeSet<String>();
    for (var line : firstProcessor(cpuinfo)) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        continue;
      }
      var key = line.substring(0, colon).strip();
      var value = line.substring(colon + 1).strip();
      if (MODEL_KEYS.contains(key)) {
        cpu.append(' ').append(value);
      } else if (key.equals("flags") || key.equals("Features")) {
        for (var flag : value.split(" ")) {
          if (VECTOR_FLAGS.contains(flag)) {
            flags.add(flag);
          }
        }
      }
    }
    flags.forEach(flag -> cpu.append(' ').append(flag));
    return new ComputeFingerprint(nativeBuild, cpu.toString(), threads, device);
  }

  private static List<String> firstProcessor(Path cpuinfo) {
    try {
      var lines = Files.readString(cpuinfo, StandardCharsets.UTF_8).lines().toList();
      int end = lines.indexOf("");
      return end < 0 ? lines : lines.subList(0, end);
    } catch (IOException _) {
      return List.of();
    }
  }

  /** For people: all four parts in one line. */
  @Override
  public String toString() {
    return "%s on %s, %d threads, %s".formatted(nativeBuild, cpu, threads, device);
  }
}
