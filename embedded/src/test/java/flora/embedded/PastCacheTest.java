package flora.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PastCacheTest {

  private static final int PIECE = 256 << 10;
  private final byte[] bytes = new byte[3 * PIECE + 4099];
  private final ByteBuffer scratch = PastCache.scratch(PIECE);

  @TempDir Path folder;

  PastCacheTest() {
    new Random(7).nextBytes(bytes);
  }

  /** Pieces of a size, the last ones first: a file has holes while it is written. */
  private byte[] written(Path path, int size) throws IOException {
    try (var file = PastCache.open(path)) {
      for (int at = (bytes.length - 1) / size * size; at >= 0; at -= size) {
        file.write(ByteBuffer.wrap(bytes, at, Math.min(size, bytes.length - at)), at, scratch);
      }
    }
    return Files.readAllBytes(path);
  }

  @Test
  void writesPiecesThatFillBlocksAndSuchThatDoNot() throws IOException {
    for (int size : new int[] {PIECE, 3 * PIECE, 4096, 5000, bytes.length}) {
      assertThat(Arrays.equals(written(folder.resolve("of-" + size), size), bytes)).isTrue();
    }
  }

  @Test
  void writesTheUsualWayWhereThereIsNoMedium() throws IOException {
    var memory = Path.of("/dev/shm");
    assumeTrue(Files.isWritable(memory));
    var path = Files.createTempFile(memory, "past-cache", null);
    try {
      assertThat(Arrays.equals(written(path, PIECE), bytes)).isTrue();
    } finally {
      Files.delete(path);
    }
  }

  @Test
  void leavesTheRestOfAFileAlone() throws IOException {
    var path = folder.resolve("kept");
    Files.write(path, new byte[bytes.length]);
    try (var file = PastCache.open(path)) {
      file.write(ByteBuffer.wrap(bytes, 0, 4096 + 10), 4096, scratch);
    }

    var kept = Files.readAllBytes(path);

    assertThat(kept).hasSize(bytes.length);
    assertThat(Arrays.copyOf(kept, 4096)).containsOnly(0);
    assertThat(Arrays.equals(kept, 4096, 8202, bytes, 0, 4106)).isTrue();
    assertThat(Arrays.copyOfRange(kept, 8202, kept.length)).containsOnly(0);
  }
}
