package flora.models.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RandomStreamTest {

  private static final int MANY = 200_000;

  private final RandomStream stream = RandomStream.of(42, "noise");

  /** The known answers that come with Random123 (kat_vectors, philox4x32 10). */
  @ParameterizedTest
  @CsvSource({
    "00000000 00000000 00000000 00000000, 00000000 00000000,"
        + " 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff,"
        + " 408f276d 41c83b0e a20bc7c6 6d5451fd",
    "243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0,"
        + " d16cfe09 94fdcceb 5001e420 24126ea1"
  })
  void mixesAsTheReferenceDoes(String counter, String key, String expected) {
    var words = words(counter);
    var keys = words(key);

    Philox.mix(words, keys[0], keys[1]);

    assertThat(words).containsExactly(words(expected));
  }

  @Test
  void valuesStayTheSameForEver() {
    assertThat(stream.normal(7, 1, 5))
        .containsExactly(-0.15096061f, -0.6205298f, 0.6878951f, -0.87098885f, -0.7473641f);
    assertThat(stream.uniform(7, 1, 5, -0.25f, 0.25f))
        .containsExactly(-0.15776253f, -0.22882119f, 0.10600951f, -0.059767783f, -0.020074397f);
    assertThat(IntStream.range(0, 8).map(i -> stream.below(1000, i, 0)))
        .containsExactly(736, 727, 699, 993, 123, 837, 425, 759);
    assertThat(stream.permutation(10, 3)).containsExactly(3, 4, 9, 2, 5, 6, 1, 0, 7, 8);
    assertThat(stream.unit(7, 1)).isEqualTo(0.1844749739492213);
  }

  @Test
  void normalsHaveTheMomentsOfTheStandardNormalDistribution() {
    var values = stream.normal(0, 0, MANY);

    double[] moments = new double[5];
    for (float value : values) {
      for (int k = 1; k <= 4; k++) {
        moments[k] += Math.pow(value, k) / MANY;
      }
    }
    // five standard errors
    assertThat(moments[1]).isCloseTo(0, within(5 / Math.sqrt(MANY)));
    assertThat(moments[2]).isCloseTo(1, within(5 * Math.sqrt(2.0 / MANY)));
    assertThat(moments[3]).isCloseTo(0, within(5 * Math.sqrt(15.0 / MANY)));
    assertThat(moments[4]).isCloseTo(3, within(5 * Math.sqrt(96.0 / MANY)));
    double beyondTwo = count(values, v -> Math.abs(v) > 2) / (double) MANY;
    assertThat(beyondTwo).isCloseTo(0.0455, within(0.0025));
  }

  @Test
  void uniformsFillTheirRangeEvenly() {
    var values = stream.uniform(0, 0, MANY, -2, 3);

    assertThat(count(values, v -> v < -2 || v >= 3)).isZero();
    for (int bin = 0; bin < 10; bin++) {
      float low = -2 + bin * 0.5f;
      assertThat(count(values, v -> v >= low && v < low + 0.5f))
          .isCloseTo(MANY / 10, within(5 * (int) Math.sqrt(MANY * 0.09)));
    }
  }

  @Test
  void wholeNumbersAreEvenlySpreadOverSteps() {
    var counts = new int[10];
    for (int step = 0; step < 50_000; step++) {
      counts[stream.below(10, step, 0)]++;
    }

    assertThat(Arrays.stream(counts).boxed())
        .allSatisfy(n -> assertThat(n).isCloseTo(5_000, within(340)));
  }

  @Test
  void everyOrderOfThreeIsEquallyLikely() {
    var counts = new int[6];
    for (int step = 0; step < 60_000; step++) {
      var p = stream.permutation(3, step);
      counts[p[0] * 2 + (p[1] > p[2] ? 1 : 0)]++;
    }

    assertThat(Arrays.stream(counts).boxed())
        .allSatisfy(n -> assertThat(n).isCloseTo(10_000, within(460)));
  }

  @Test
  void permutationHoldsEachNumberOnce() {
    var sorted = stream.permutation(1_000, 5);
    Arrays.sort(sorted);

    assertThat(sorted).containsExactly(IntStream.range(0, 1_000).toArray());
  }

  @Test
  void eachIndexHasAPermutationOfItsOwn() {
    assertThat(stream.permutation(1_000, 5, 0)).isEqualTo(stream.permutation(1_000, 5));
    assertThat(stream.permutation(1_000, 5, 1)).isNotEqualTo(stream.permutation(1_000, 5, 0));
    assertThat(stream.permutation(1_000, 5, 1)).isEqualTo(stream.permutation(1_000, 5, 1));
  }

  @Test
  void neighboursInSeedNameStepAndIndexAreUncorrelated() {
    var one = stream.normal(5, 0, MANY);

    assertThat(correlation(one, stream.normal(6, 0, MANY))).isLessThan(0.012);
    assertThat(correlation(one, stream.normal(5, 1, MANY))).isLessThan(0.012);
    assertThat(correlation(one, RandomStream.of(43, "noise").normal(5, 0, MANY))).isLessThan(0.012);
    assertThat(correlation(one, RandomStream.of(42, "vae").normal(5, 0, MANY))).isLessThan(0.012);
  }

  @Test
  void aShorterRequestIsTheBeginningOfALongerOne() {
    assertThat(stream.normal(9, 2, 7)).containsExactly(Arrays.copyOf(stream.normal(9, 2, 64), 7));
    assertThat(stream.uniform(9, 2, 7, 0, 1))
        .containsExactly(Arrays.copyOf(stream.uniform(9, 2, 64, 0, 1), 7));
  }

  @Test
  void stepsBeyondThirtyTwoBitsDiffer() {
    var seen = new HashSet<Double>();
    for (long step : new long[] {1, 1L << 32, 1L << 33, (1L << 32) + 1}) {
      seen.add(stream.unit(step, 0));
    }

    assertThat(seen).hasSize(4);
  }

  @Test
  void rejectsAnEmptyRange() {
    assertThatThrownBy(() -> stream.below(0, 0, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  private static int[] words(String hex) {
    return Arrays.stream(hex.trim().split(" "))
        .mapToInt(w -> Integer.parseUnsignedInt(w, 16))
        .toArray();
  }

  private interface Predicate {
    boolean test(float value);
  }

  private static int count(float[] values, Predicate predicate) {
    int n = 0;
    for (float value : values) {
      n += predicate.test(value) ? 1 : 0;
    }
    return n;
  }

  private static double correlation(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return Math.abs(sum / a.length);
  }
}
