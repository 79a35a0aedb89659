package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DownloadSettingsTest {

  private static final long MIB = 1 << 20;
  private static final long GB = 1_000_000_000;

  @ParameterizedTest
  @CsvSource({
    "1, 8",
    "83_886_080_000, 8",
    "83_886_080_001, 16",
    "167_772_160_000, 16",
    "167_772_160_001, 32",
    "335_544_320_001, 64",
    "500_000_000_000, 64"
  })
  void partsGrowWithTheFile(String fileSize, int mebibytes) {
    long size = Long.parseLong(fileSize.replace("_", ""));

    assertThat(DownloadSettings.partSize(size)).isEqualTo(mebibytes * (int) MIB);
  }

  @Test
  void tenThousandPartsSufficeForEveryFileUpToHalfATerabyte() {
    for (long size = 9 * MIB; size <= 500 * GB; size += size / 7) {
      int part = DownloadSettings.partSize(size);
      var target = new Target("b", "k", "s", size, part);

      assertThat((long) part).isBetween(8 * MIB, 64 * MIB);
      assertThat(target.parts()).isBetween(1, 10_000);
      assertThat(target.offset(target.parts()) + target.size(target.parts())).isEqualTo(size);
      assertThat(target.size(target.parts())).isBetween(1, part);
    }
  }

  @Test
  void theLargestPartsFitTwiceIntoTheMemoryOfAllDownloads() {
    var buffers = DownloadSettings.DEFAULT.bufferBytes();

    assertThat(buffers).isGreaterThanOrEqualTo(2L * DownloadSettings.partSize(500 * GB));
    // what is on its way into the store is there twice, 64 MiB at most
    assertThat(buffers + 64 * MIB).isLessThanOrEqualTo(256 * MIB);
  }

  @Test
  void buffersNeverTakeMoreThanTheyMay() {
    var buffers = new PartBuffers(20 * MIB);
    int part = (int) (8 * MIB);
    var first = buffers.tryClaim(part);
    var second = buffers.tryClaim(part);

    assertThat(first).hasSize(part);
    assertThat(second).hasSize(part);
    assertThat(buffers.tryClaim(part)).isNull();
    buffers.release(second);
    assertThat(buffers.tryClaim(part)).isSameAs(second);
  }

  @Test
  void refusesBuffersThatHoldNoTwoParts() {
    var d = DownloadSettings.DEFAULT;

    assertThatThrownBy(
            () ->
                new DownloadSettings(
                    4,
                    8 * MIB,
                    d.firstByte(),
                    d.stallWindow(),
                    1,
                    Duration.ZERO,
                    d.claimSilence(),
                    d.leftOverAge(),
                    d.policy()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bufferBytes");
  }
}
