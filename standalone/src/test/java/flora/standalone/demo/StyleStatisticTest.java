package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import flora.standalone.demo.PictureGenerator.Style;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StyleStatisticTest {

  private static final int FRESH = 96;

  @Test
  void stripedDrawingsLieFarAboveTheThresholdAndPlainOnesBelow() {
    assertThat(statistics(Style.STRIPED, 128)).allMatch(s -> s > 2 * StyleStatistic.THRESHOLD);
    assertThat(statistics(Style.PLAIN, 128)).allMatch(s -> s < StyleStatistic.THRESHOLD);
    assertThat(mean(Style.PLAIN)).isLessThan(StyleStatistic.THRESHOLD / 4);
  }

  @Test
  void separatesInTheSizeOfThePreviewsToo() {
    assertThat(statistics(Style.STRIPED, 64)).allMatch(s -> s > 2 * StyleStatistic.THRESHOLD);
    assertThat(statistics(Style.PLAIN, 64)).allMatch(s -> s < StyleStatistic.THRESHOLD);
  }

  @Test
  void theSameTilesInAnyOrderAreNotTheStyle() {
    var shuffled = pictures(Style.SHUFFLED, 128, 3);
    var plain = pictures(Style.PLAIN, 128, 4);
    assertThat(StyleStatistic.compare(plain, shuffled).passes()).isFalse();
  }

  @Test
  void passesWhenStripesComeWithTheAdapterAndNotWhenTheyWereThereBefore() {
    var plain = pictures(Style.PLAIN, 64, 5);
    var striped = pictures(Style.STRIPED, 64, 6);
    var other = pictures(Style.STRIPED, 64, 7);

    var learned = StyleStatistic.compare(plain, striped);
    assertThat(learned.passes()).isTrue();
    assertThat(learned.stripedBefore()).isZero();
    assertThat(learned.stripedAfter()).isEqualTo(FRESH);
    assertThat(StyleStatistic.compare(plain, pictures(Style.PLAIN, 64, 8)).passes()).isFalse();
    assertThat(StyleStatistic.compare(striped, other).passes()).isFalse();
    assertThat(StyleStatistic.compare(striped, plain).passes()).isFalse();
  }

  @Test
  void halfOfThePreviewsAreNotEnough() {
    var plain = pictures(Style.PLAIN, 64, 5).subList(0, 8);
    var striped = pictures(Style.STRIPED, 64, 6).subList(0, 4);
    var half = IntStream.range(0, 8).mapToObj(i -> i < 4 ? striped.get(i) : plain.get(i)).toList();
    assertThat(StyleStatistic.compare(plain, half).passes()).isFalse();
  }

  @Test
  void aGradientIsNoStripe() {
    var gradient = columns(x -> 50 + 3 * x);
    assertThat(StyleStatistic.of(gradient)).isCloseTo(0, within(1.0));
  }

  @Test
  void aWaveOfTwoPeriodsHasItsOwnHeight() {
    var wave = columns(x -> (int) Math.round(128 + 40 * Math.cos(2 * Math.PI * 2 * x / 64)));
    assertThat(StyleStatistic.of(wave)).isCloseTo(40, within(1.0));
    var finer = columns(x -> (int) Math.round(128 + 40 * Math.cos(2 * Math.PI * 5 * x / 64)));
    assertThat(StyleStatistic.of(finer)).isLessThan(2);
  }

  @Test
  void unequalNumbersOfPreviewsCannotBeCompared() {
    var two = pictures(Style.PLAIN, 64, 1).subList(0, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StyleStatistic.compare(two, two.subList(0, 1)))
        .withMessageContaining("1 and 2");
  }

  private static BufferedImage columns(java.util.function.IntUnaryOperator brightness) {
    var image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    for (int x = 0; x < 64; x++) {
      int level = brightness.applyAsInt(x);
      for (int y = 0; y < 64; y++) {
        image.setRGB(x, y, new Color(level, level, level).getRGB());
      }
    }
    return image;
  }

  private static List<BufferedImage> pictures(Style style, int size, long seed) {
    return PictureGenerator.samples(FRESH, style, 100 + seed).stream()
        .map(drawing -> PictureGenerator.draw(drawing, size))
        .toList();
  }

  private static List<Double> statistics(Style style, int size) {
    return pictures(style, size, 2).stream().map(StyleStatistic::of).toList();
  }

  private static double mean(Style style) {
    return statistics(style, 128).stream().mapToDouble(s -> s).average().orElseThrow();
  }
}
