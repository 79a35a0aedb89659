package flora.models.random;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * A named stream of random numbers without state: each number is a pure function of (seed, name,
 * step, index, position).
 *
 * <p>The seed and the name make the key of a {@link Philox} generator; step, index and position its
 * counter. The numbers are the same on every machine and stay the same for ever: adapters that were
 * trained with a seed can be trained again. Immutable and thread-safe.
 */
public final class RandomStream {

  /** A chance in {@link #keep} is a share of so many. */
  public static final int CHANCES = 1 << 16;

  private static final double ULP_53 = 0x1.0p-53;

  private final int key0;
  private final int key1;

  private RandomStream(int key0, int key1) {
    this.key0 = key0;
    this.key1 = key1;
  }

  /** The stream of that name under a seed; another name is an independent stream. */
  public static RandomStream of(long seed, String name) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(seed).flip());
      digest.update(name.getBytes(StandardCharsets.UTF_8));
      var key = ByteBuffer.wrap(digest.digest());
      return new RandomStream(key.getInt(), key.getInt());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Numbers uniform in [low, high), 24 random bits each. */
  public float[] uniform(long step, int index, int count, float low, float high) {
    var values = new float[count];
    var words = new int[4];
    for (int i = 0; i < count; i++) {
      if ((i & 3) == 0) {
        block(words, step, index, i >>> 2);
      }
      // rounding may reach the upper end
      float value = low + (high - low) * ((words[i & 3] >>> 8) * 0x1.0p-24f);
      values[i] = value < high ? value : Math.nextDown(high);
    }
    return values;
  }

  /**
   * Numbers of the standard normal distribution, by Box and Muller's method in double precision and
   * with {@link StrictMath}, so that they do not depend on the processor.
   */
  public float[] normal(long step, int index, int count) {
    var values = new float[count];
    var words = new int[4];
    for (int i = 0; i < count; i += 2) {
      block(words, step, index, i >>> 1);
      double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - unit(words[0], words[1])));
      double angle = 2 * Math.PI * unit(words[2], words[3]);
      values[i] = (float) (radius * StrictMath.cos(angle));
      if (i + 1 < count) {
        values[i + 1] = (float) (radius * StrictMath.sin(angle));
      }
    }
    return values;
  }

  /**
   * Fills {@code count} places of a mask with 0, at a chance of {@code dropped} in {@link
   * #CHANCES}, or else with 1; 16 random bits each.
   */
  public void keep(long step, int index, byte[] mask, int from, int count, int dropped) {
    var words = new int[4];
    for (int i = 0; i < count; i++) {
      if ((i & 7) == 0) {
        block(words, step, index, i >>> 3);
      }
      int bits = words[(i & 7) >>> 1] >>> ((i & 1) << 4) & 0xFFFF;
      mask[from + i] = (byte) (bits < dropped ? 0 : 1);
    }
  }

  /** A number uniform in [0, 1), 53 random bits. */
  public double unit(long step, int index) {
    var words = new int[4];
    block(words, step, index, 0);
    return unit(words[0], words[1]);
  }

  /** A whole number uniform in [0, bound). */
  public int below(int bound, long step, int index) {
    return below(bound, step, index, 0);
  }

  /** The whole numbers in [0, count) in a random order (Fisher and Yates' method). */
  public int[] permutation(int count, long step) {
    return permutation(count, step, 0);
  }

  /** {@link #permutation(int, long)}, one for each index. */
  public int[] permutation(int count, long step, int index) {
    var order = new int[count];
    for (int i = 0; i < count; i++) {
      int j = below(i + 1, step, index, i);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  private int below(int bound, long step, int index, int position) {
    if (bound < 1) {
      throw new IllegalArgumentException("bound must be at least 1: " + bound);
    }
    var words = new int[4];
    block(words, step, index, position);
    long bits = ((long) words[0] << 32) | (words[1] & 0xFFFFFFFFL);
    // the bias is below bound / 2^64
    return (int) Math.unsignedMultiplyHigh(bits, bound);
  }

  private void block(int[] words, long step, int index, int position) {
    words[0] = position;
    words[1] = index;
    words[2] = (int) step;
    words[3] = (int) (step >>> 32);
    Philox.mix(words, key0, key1);
  }

  private static double unit(int high, int low) {
    return ((((long) high << 32) | (low & 0xFFFFFFFFL)) >>> 11) * ULP_53;
  }
}
