package flora.standalone.cli;

import static flora.standalone.cli.DoctorCommand.Finding.Verdict.FAIL;
import static flora.standalone.cli.DoctorCommand.Finding.Verdict.OK;
import static flora.standalone.cli.DoctorCommand.Finding.Verdict.WARN;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoctorCommandTest {

  @ParameterizedTest
  @CsvSource({"17,FAIL", "25,OK", "26,OK"})
  void asksForJava25(int feature, DoctorCommand.Finding.Verdict verdict) {
    assertThat(DoctorCommand.java(feature).verdict()).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({"3,FAIL", "8,WARN", "16,OK"})
  void saysWhatTheMemoryIsEnoughFor(long gib, DoctorCommand.Finding.Verdict verdict) {
    assertThat(DoctorCommand.memory(gib << 30).verdict()).isEqualTo(verdict);
  }

  @Test
  void knowsThePlatformsThatTheNativeLibraryRunsOn() {
    assertThat(DoctorCommand.platform("Linux", "amd64").verdict()).isEqualTo(OK);
    assertThat(DoctorCommand.platform("Mac OS X", "aarch64").verdict()).isEqualTo(FAIL);
  }

  @Test
  void everyTroubleComesWithARemedyAndATakenPortIsSeen() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var port = Integer.toString(taken.getLocalPort());

      var findings =
          DoctorCommand.examine(
              Map.of(
                  "FLORA_PORT", port,
                  "FLORA_S3_PORT", "many",
                  "HF_ENDPOINT", "http://127.0.0.1:1/"));

      assertThat(findings)
          .filteredOn(f -> f.verdict() != OK)
          .allSatisfy(f -> assertThat(f.remedy()).isNotBlank())
          .anySatisfy(
              f -> {
                assertThat(f.verdict()).isEqualTo(WARN);
                assertThat(f.text()).contains("port " + port + " is taken");
              })
          .anySatisfy(f -> assertThat(f.text()).contains("FLORA_S3_PORT is 'many'"))
          .anySatisfy(f -> assertThat(f.text()).contains("does not answer from here"));
    }
  }
}
