package flora.tensors.pickle;

import static flora.tensors.pickle.BytesInMemory.convert;
import static flora.tensors.pickle.BytesInMemory.resource;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever happens to a file's bytes, it is read or refused, and soon. */
@Timeout(60)
class PickleFuzzTest {

  @ParameterizedTest
  @ValueSource(strings = {"zip2.bin", "zip5.bin", "legacy2.bin", "legacy4.bin", "trained.ckpt"})
  void aDamagedFileIsReadOrRefused(String name) {
    byte[] sound = resource(name);
    var random = new SplittableRandom(7);
    int refused = 0;
    for (int round = 0; round < 1500; round++) {
      byte[] file = damaged(sound, random);
      try {
        convert(file);
      } catch (PickleException e) {
        assertThat(e).hasMessageStartingWith("x.bin ");
        refused++;
      } catch (RuntimeException | Error e) {
        throw new AssertionError("round " + round, e);
      }
    }
    assertThat(refused).isGreaterThan(500);
  }

  private static byte[] damaged(byte[] sound, SplittableRandom random) {
    byte[] file = sound.clone();
    if (random.nextInt(4) == 0) {
      file = Arrays.copyOf(file, random.nextInt(file.length));
    }
    for (int flips = random.nextInt(1, 9); flips > 0 && file.length > 0; flips--) {
      int at = random.nextInt(file.length);
      file[at] =
          switch (random.nextInt(3)) {
            case 0 -> (byte) random.nextInt(256);
            case 1 -> (byte) (file[at] ^ (1 << random.nextInt(8)));
            default -> (byte) 0xff;
          };
    }
    return file;
  }
}
