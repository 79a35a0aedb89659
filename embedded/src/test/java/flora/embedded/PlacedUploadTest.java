package flora.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlacedUploadTest {

  private static final int SIZE = 300_000;

  @TempDir Path bucket;
  private Path folder;
  private PlacedUpload upload;

  @BeforeEach
  void begin() throws Exception {
    folder = bucket.resolve("upload");
    upload = PlacedUpload.begin(folder, "a/b");
  }

  @Test
  void writesEachPartOnceWhereItBelongs() throws Exception {
    for (int number : new int[] {3, 1, 2}) {
      write(number, SIZE);
    }
    write(4, 17);

    assertThat(Files.size(folder.resolve("data"))).isEqualTo(3 * SIZE + 17);
    upload.close();
    assertThat(upload.join(upload.parts())).isEqualTo(folder.resolve("data"));
    assertThat(folder.resolve("data")).hasBinaryContent(bytes(1, SIZE, 2, SIZE, 3, SIZE, 4, 17));
  }

  @Test
  void joinsPartsOfAnySizesThatCameInAnyOrder() throws Exception {
    write(4, 99); // the last one first: it is taken for one of the usual size
    write(2, 2 * SIZE);
    write(1, SIZE);
    write(3, 50);

    upload.close();

    assertThat(upload.join(upload.parts()))
        .hasBinaryContent(bytes(1, SIZE, 2, 2 * SIZE, 3, 50, 4, 99));
  }

  @Test
  void joinsPartsAllOfWhichCameASecondTime() throws Exception {
    write(1, SIZE);
    write(2, SIZE);
    write(2, SIZE);
    write(1, SIZE);
    upload.close();

    assertThat(upload.join(upload.parts())).hasBinaryContent(bytes(1, SIZE, 2, SIZE));
  }

  @Test
  void leavesOutPartsThatAreNotNamed() throws Exception {
    write(1, SIZE);
    write(2, SIZE);
    write(3, SIZE);
    upload.close();

    var parts = upload.parts();

    assertThat(upload.join(parts.subList(0, 1))).hasBinaryContent(bytes(1, SIZE));
  }

  @Test
  void takesTheLastOfTwoPartsOfOneNumber() throws Exception {
    write(1, SIZE);
    write(2, SIZE);
    var newer = random(77, SIZE);
    upload.write(1, SIZE, new ByteArrayInputStream(newer));
    upload.close();

    var joined = Files.readAllBytes(upload.join(upload.parts()));

    assertThat(joined).startsWith(newer).hasSize(2 * SIZE);
  }

  @Test
  void takesPartsFromMemoryInPiecesOfAnySize() throws Exception {
    int large = (2 << 20) + 5; // more than is written at once
    for (int number : new int[] {2, 1}) {
      var more = ByteBuffer.allocate(large + 20).position(7).put(random(number, large));
      upload.write(number, more.flip().position(7));
    }
    upload.write(3, ByteBuffer.wrap(random(3, 9)));

    upload.close();

    assertThat(upload.join(upload.parts())).isEqualTo(folder.resolve("data"));
    assertThat(folder.resolve("data")).hasBinaryContent(bytes(1, large, 2, large, 3, 9));
  }

  @Test
  void readsToTheEndOfMoreThanWasAnnounced() throws Exception {
    var more = new ByteArrayInputStream(random(1, SIZE + 10));

    upload.write(1, SIZE, more);

    assertThat(more.available()).isZero();
    upload.close();
    assertThat(upload.join(upload.parts()))
        .hasBinaryContent(Arrays.copyOf(random(1, SIZE + 10), SIZE));
  }

  @Test
  void forgetsAPartThatBrokeOff() throws Exception {
    write(2, SIZE);

    assertThatThrownBy(
            () -> upload.write(1, SIZE, new ByteArrayInputStream(random(1, SIZE), 0, 10)))
        .isInstanceOf(EOFException.class);
    assertThat(upload.parts()).extracting(PlacedUpload.Placed::number).containsExactly(2);
    write(1, SIZE);
    upload.close();

    assertThat(upload.join(upload.parts())).hasBinaryContent(bytes(1, SIZE, 2, SIZE));
  }

  @Test
  void isTakenUpByAnotherProcess() throws Exception {
    write(2, SIZE);
    // killed in the middle of a line
    Files.writeString(folder.resolve("list"), "3 data 60", StandardOpenOption.APPEND);

    upload = PlacedUpload.resume(folder);

    assertThat(upload.key()).isEqualTo("a/b");
    write(1, SIZE);
    upload = PlacedUpload.resume(folder);
    write(3, SIZE);
    upload.close();
    assertThat(upload.join(upload.parts())).isEqualTo(folder.resolve("data"));
    assertThat(folder.resolve("data")).hasBinaryContent(bytes(1, SIZE, 2, SIZE, 3, SIZE));
  }

  @Test
  void whoIsStillWritingWhenItIsJoinedChangesNothing() throws Exception {
    write(2, SIZE);
    var late =
        new InputStream() {
          private final InputStream bytes = new ByteArrayInputStream(random(5, SIZE));
          private int pieces;

          @Override
          public int read() {
            throw new UnsupportedOperationException();
          }

          @Override
          public int read(byte[] into, int offset, int length) throws IOException {
            if (pieces++ == 1) { // another one brings the same part, and the upload is joined
              write(1, SIZE);
              upload.close();
              upload.join(upload.parts());
            }
            return bytes.read(into, offset, Math.min(length, 1000));
          }
        };

    assertThatThrownBy(() -> upload.write(1, SIZE, late)).isInstanceOf(NoSuchFileException.class);
    assertThat(folder.resolve("data")).hasBinaryContent(bytes(1, SIZE, 2, SIZE));
  }

  @Test
  void isGoneOnceItsBytesWereTaken() throws Exception {
    write(1, SIZE);
    upload.close();
    Files.move(upload.join(upload.parts()), bucket.resolve("object"));

    assertThatThrownBy(() -> upload.join(upload.parts())).isInstanceOf(NoSuchFileException.class);
    upload.remove();
    assertThat(folder).doesNotExist();
    assertThat(bucket.resolve("object")).hasBinaryContent(bytes(1, SIZE));
  }

  private void write(int number, int size) throws IOException {
    upload.write(number, size, new ByteArrayInputStream(random(number, size)));
  }

  private static byte[] bytes(int... numbersAndSizes) throws IOException {
    var all = new ByteArrayOutputStream();
    for (int i = 0; i < numbersAndSizes.length; i += 2) {
      all.write(random(numbersAndSizes[i], numbersAndSizes[i + 1]));
    }
    return all.toByteArray();
  }

  private static byte[] random(int seed, int size) {
    var bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
