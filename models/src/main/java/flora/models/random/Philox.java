package flora.models.random;

/**
 * Philox 4x32 with ten rounds: 128 random bits as a pure function of a 128-bit counter and a 64-bit
 * key (<a href="https://doi.org/10.1145/2063384.2063405">Salmon et al., Parallel Random Numbers: As
 * Easy as 1, 2, 3</a>). Equal to the reference implementation Random123.
 */
final class Philox {

  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final long LOW = 0xFFFFFFFFL;

  private Philox() {}

  /** Replaces the counter in {@code words}, four 32-bit words, by its random bits. */
  static void mix(int[] words, int key0, int key1) {
    int w0 = words[0];
    int w1 = words[1];
    int w2 = words[2];
    int w3 = words[3];
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (w0 & LOW);
      long product1 = MULTIPLIER_1 * (w2 & LOW);
      w0 = (int) (product1 >>> 32) ^ w1 ^ key0;
      w1 = (int) product1;
      w2 = (int) (product0 >>> 32) ^ w3 ^ key1;
      w3 = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    words[0] = w0;
    words[1] = w1;
    words[2] = w2;
    words[3] = w3;
  }
}
