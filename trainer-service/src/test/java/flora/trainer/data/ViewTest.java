package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.trainer.data.DataOrder.Draw;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewTest {

  /** int(round(x / 2.0)) in Python: 0.5 and 2.5 round down, 1.5 and 3.5 round up. */
  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0", "2, 1", "3, 2", "4, 2", "5, 2", "7, 4", "256, 128"})
  void centreIsTorchvisions(int spare, int left) {
    var chooser = new View.Chooser(1, true, false);

    assertThat(chooser.choose(new Draw(9, 3), spare, 0)).isEqualTo(new View(3, left, 0, false));
    assertThat(chooser.choose(new Draw(9, 3), 0, spare)).isEqualTo(new View(3, 0, left, false));
  }

  @Test
  void randomSquaresReachEveryPlaceAndNoFurther() {
    var chooser = new View.Chooser(1, false, false);

    var views =
        IntStream.range(0, 500).mapToObj(i -> chooser.choose(new Draw(i, 0), 4, 2)).toList();

    assertThat(views).extracting(View::left).containsOnly(0, 1, 2, 3, 4);
    assertThat(views).extracting(View::top).containsOnly(0, 1, 2);
    assertThat(views.stream().distinct()).hasSize(15);
  }

  @Test
  void halfOfTheShowingsAreMirrored() {
    var chooser = new View.Chooser(1, true, true);

    long mirrored =
        IntStream.range(0, 10_000)
            .filter(i -> chooser.choose(new Draw(i, 0), 0, 0).mirrored())
            .count();

    assertThat(mirrored).isCloseTo(5_000, within(250L));
  }

  @Test
  void theSameShowingIsSeenTheSameWay() {
    var draw = new Draw(77, 5);

    assertThat(new View.Chooser(3, false, true).choose(draw, 100, 0))
        .isEqualTo(new View.Chooser(3, false, true).choose(draw, 100, 0));
  }
}
