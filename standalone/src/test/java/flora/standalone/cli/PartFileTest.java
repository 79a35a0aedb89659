package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Sha256;
import flora.standalone.client.InvalidInput;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartFileTest {

  private static final int SIZE = 3_000_000;

  @TempDir Path folder;

  private final byte[] content = new byte[SIZE];
  private final List<Long> asked = new ArrayList<>();
  private Path file;
  private Path part;

  @BeforeEach
  void begin() {
    new Random(1).nextBytes(content);
    file = folder.resolve("model.safetensors");
    part = folder.resolve(".flora-" + Sha256.sum(content).hex().substring(0, 16) + ".part");
  }

  private void fill(PartFile.Source source) throws IOException, InterruptedException {
    new PartFile(file, SIZE, Sha256.sum(content).hex())
        .fill(
            from -> {
              asked.add(from);
              return source.open(from);
            },
            _ -> {});
  }

  private InputStream rest(long from) {
    return new ByteArrayInputStream(content, (int) from, SIZE - (int) from);
  }

  /** Some bytes, and then nobody speaks any more. */
  private InputStream cut(long from, int bytes) {
    return new SequenceInputStream(
        new ByteArrayInputStream(content, (int) from, bytes),
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("connection reset");
          }
        });
  }

  private void assertIsThere() {
    assertThat(file).hasBinaryContent(content);
    assertThat(part).doesNotExist();
  }

  @Test
  void goesOnWhereAnEarlierCommandStopped() throws Exception {
    Files.write(part, Arrays.copyOf(content, 1_234_567));

    fill(this::rest);

    assertThat(asked).containsExactly(1_234_567L);
    assertIsThere();
  }

  @Test
  void goesOnWhereTheConnectionBroke() throws Exception {
    fill(from -> from < 2_000_000 ? cut(from, 1_000_000) : rest(from));

    assertThat(asked).containsExactly(0L, 1_000_000L, 2_000_000L);
    assertIsThere();
  }

  @Test
  void beginsAnewWhereWhatLayThereWasSomethingElse() throws Exception {
    Files.write(part, new byte[1000]);

    fill(this::rest);

    assertThat(asked).containsExactly(1000L, 0L);
    assertIsThere();
    asked.clear();
    Files.write(part, new byte[SIZE + 1]);

    fill(this::rest);

    assertThat(asked).containsExactly(0L);
    assertIsThere();
  }

  @Test
  void keepsWhatCameWhenTheServerStaysAway() throws Exception {
    assertThatThrownBy(() -> fill(from -> cut(from, from == 0 ? 1_000_000 : 0)))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("byte 1000000")
        .hasMessageContaining("connection reset")
        .hasMessageContaining("same command");
    assertThat(file).doesNotExist();
    assertThat(part).hasSize(1_000_000);
    asked.clear();

    fill(this::rest);

    assertThat(asked).containsExactly(1_000_000L);
    assertIsThere();
  }

  @Test
  void keepsNothingOfWrongBytes() {
    assertThatThrownBy(() -> fill(_ -> new ByteArrayInputStream(new byte[SIZE])))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("not written");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void leavesTheWholeFileOfBefore() throws Exception {
    Files.writeString(file, "of before");

    assertThatThrownBy(() -> fill(_ -> new ByteArrayInputStream(new byte[SIZE])))
        .isInstanceOf(InvalidInput.class);
    assertThat(file).hasContent("of before");
  }

  @Test
  void makesAnEmptyFileWithoutAsking() throws Exception {
    new PartFile(file, 0, Sha256.sum(new byte[0]).hex())
        .fill(
            _ -> {
              throw new AssertionError("nothing to ask for");
            },
            _ -> {});

    assertThat(file).isEmptyFile();
  }

  /** A lock is the process's: another one in this process is refused in another way. */
  @Test
  void waitsForNobodyWhoWritesTheSame() throws Exception {
    try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = channel.lock()) {
      assertThatThrownBy(() -> fill(this::rest)).isInstanceOf(InvalidInput.class);
    }
  }
}
