package flora.trainer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComputeFingerprintTest {

  @TempDir Path folder;

  @Test
  void namesTheProcessorAndItsVectorExtensions() throws IOException {
    var fingerprint = of("GenuineIntel", "143", "fpu avx2 fma avx512f ht amx_tile");

    assertThat(fingerprint)
        .hasToString(
            "pytorch 2.7.1 on amd64 GenuineIntel 6 143 amx_tile avx2 avx512f fma, 2 threads, cpu");
  }

  @Test
  void differsWhereKernelsMayDiffer() throws IOException {
    var one = of("GenuineIntel", "143", "fpu avx2 fma avx512f");

    assertThat(of("GenuineIntel", "143", "avx2 fma avx512f")).isEqualTo(one);
    assertThat(of("GenuineIntel", "143", "avx2 fma")).isNotEqualTo(one);
    assertThat(of("AuthenticAMD", "143", "avx2 fma avx512f")).isNotEqualTo(one);
  }

  @Test
  void doesWithoutCpuinfo() {
    var fingerprint =
        ComputeFingerprint.of("pytorch 2.7.1", "aarch64", folder.resolve("none"), 4, "cpu");

    assertThat(fingerprint.cpu()).isEqualTo("aarch64");
  }

  private ComputeFingerprint of(String vendor, String model, String flags) throws IOException {
    var file = Files.createTempFile(folder, "cpuinfo", "");
    var cpu =
        """
        processor\t: %d
        vendor_id\t: %s
        cpu family\t: 6
        model\t\t: %s
        cpu MHz\t\t: 2100.000
        flags\t\t: %s

        """;
    Files.writeString(
        file, cpu.formatted(0, vendor, model, flags) + cpu.formatted(1, vendor, model, flags));
    return ComputeFingerprint.of("pytorch 2.7.1", "amd64", file, 2, "cpu");
  }
}
