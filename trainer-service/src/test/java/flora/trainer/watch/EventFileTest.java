package flora.trainer.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The golden file is one that the real TensorBoard has read: see tools/parity/read_events.py. */
class EventFileTest {

  private static final Instant BEGUN = Instant.parse("2026-01-02T03:04:05.250Z");

  @TempDir Path folder;

  @Test
  void writesWhatTensorBoardReads() throws IOException {
    var path = folder.resolve("events.out.tfevents.0.flora.1");
    try (var events = new EventFile(path, BEGUN)) {
      events.scalar("loss/train", BEGUN.plusSeconds(1), 1, 0.25);
      events.scalar("loss/train", BEGUN.plusSeconds(2), 300, 0.125);
      events.scalar("learning_rate", BEGUN.plusSeconds(2), 300, 2e-4);
      events.image("preview/0", BEGUN.plusSeconds(3), 300, png(), 3, 2);
    }

    assertThat(Files.readAllBytes(path)).isEqualTo(golden());
  }

  @Test
  void hasWholeRecordsAtAnyTime() throws IOException {
    var path = folder.resolve("events.out.tfevents.0.flora.2");
    try (var events = new EventFile(path, BEGUN)) {
      long before = Files.size(path);
      events.scalar("loss/train", BEGUN.plusSeconds(1), 1, 0.25);
      assertThat(Files.size(path)).isGreaterThan(before);
    }
  }

  /** By hand, so that it is the same with any version of a library. */
  private static byte[] png() {
    return HexFormat.of()
        .parseHex(
            "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001b4944415478da63606068604869603801440c0d27521a4e9c6800003be407b162ec574d0000000049454e44ae426082");
  }

  private static byte[] golden() throws IOException {
    try (var in = EventFileTest.class.getResourceAsStream("/watch/events.golden")) {
      return Objects.requireNonNull(in).readAllBytes();
    }
  }
}
