package flora.models.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Int8UnitsTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "flags\t\t: fpu sse4_2 avx2 avx512f avx512_vnni bmi2, THERE",
    "flags\t\t: fpu sse4_2 avx2 avx_vnni, THERE",
    "flags\t\t: amx_bf16 amx_tile amx_int8, THERE",
    "flags\t\t: fpu sse4_2 avx2 fma avx512f avx512bw avx512_bf16 avx512_vbmi2, MISSING",
    "Features\t: fp asimd asimdhp asimddp lrcpc, THERE",
    "Features\t: fp asimd sve i8mm bf16, THERE",
    "Features\t: fp asimd evtstrm aes, MISSING",
    "isa\t\t: rv64imafdcv, UNKNOWN"
  })
  void theLineOfFeaturesSaysIt(String line, Int8Units expected) throws IOException {
    assertThat(of("processor\t: 0\nbugs\t\t: spectre_v1 avx512_vnni\n" + line + "\n\n"))
        .isEqualTo(expected);
  }

  @Test
  void whereNobodySaysItIsUnknown() throws IOException {
    assertThat(of("")).isEqualTo(Int8Units.UNKNOWN);
    assertThat(Int8Units.of(folder.resolve("not-there"))).isEqualTo(Int8Units.UNKNOWN);
    assertThat(Int8Units.of(folder)).isEqualTo(Int8Units.UNKNOWN);
  }

  private Int8Units of(String text) throws IOException {
    return Int8Units.of(Files.writeString(folder.resolve("cpuinfo"), text));
  }
}
