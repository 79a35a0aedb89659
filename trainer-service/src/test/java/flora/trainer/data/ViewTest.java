package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.models.image.TrainingTransform.Cut;
import flora.schemas.dataset.Bucket;
import flora.schemas.dataset.Buckets.Placed;
import flora.schemas.request.PicturePlan;
import flora.trainer.data.DataOrder.Draw;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewTest {

  private static final PicturePlan MIDDLE = PicturePlan.of(64, true, false);

  /** int(round(x / 2.0)) in Python: 0.5 and 2.5 round down, 1.5 and 3.5 round up. */
  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0", "2, 1", "3, 2", "4, 2", "5, 2", "7, 4", "256, 128"})
  void centreIsTorchvisions(int spare, int left) {
    var chooser = new View.Chooser(1, MIDDLE);

    assertThat(chooser.choose(draw(9, 3), placed(spare, 0)))
        .isEqualTo(new View(3, new Cut(64 + spare, 64, left, 0, 64, 64, false)));
    assertThat(chooser.choose(draw(9, 3), placed(0, spare)))
        .isEqualTo(new View(3, new Cut(64, 64 + spare, 0, left, 64, 64, false)));
  }

  /** x // 2 in Python. */
  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0", "3, 1", "5, 2", "7, 3", "256, 128"})
  void withBucketsTheCentreIsSdScripts(int spare, int left) {
    var plan = new PicturePlan(64, true, false, null, true, 64, 128, 64, false, 1);

    assertThat(new View.Chooser(1, plan).choose(draw(9, 3), placed(spare, 0)).cut().left())
        .isEqualTo(left);
  }

  @Test
  void randomPartsReachEveryPlaceAndNoFurther() {
    var chooser = new View.Chooser(1, PicturePlan.of(64, false, false));

    var views =
        IntStream.range(0, 500)
            .mapToObj(i -> chooser.choose(draw(i, 0), placed(4, 2)).cut())
            .toList();

    assertThat(views).extracting(Cut::left).containsOnly(0, 1, 2, 3, 4);
    assertThat(views).extracting(Cut::top).containsOnly(0, 1, 2);
    assertThat(views.stream().distinct()).hasSize(15);
  }

  @Test
  void halfOfTheShowingsAreMirrored() {
    var chooser = new View.Chooser(1, PicturePlan.of(64, true, true));

    long mirrored =
        IntStream.range(0, 10_000)
            .filter(i -> chooser.choose(draw(i, 0), placed(0, 0)).cut().mirrored())
            .count();

    assertThat(mirrored).isCloseTo(5_000, within(250L));
  }

  @Test
  void theSameShowingIsSeenTheSameWay() {
    var draw = draw(77, 5);
    var plan = PicturePlan.of(64, false, true);

    assertThat(new View.Chooser(3, plan).choose(draw, placed(100, 0)))
        .isEqualTo(new View.Chooser(3, plan).choose(draw, placed(100, 0)));
  }

  @Test
  void allViewsAreThoseThatShowingsHave() {
    for (var plan : new PicturePlan[] {MIDDLE, PicturePlan.of(64, true, true)}) {
      var chooser = new View.Chooser(1, plan);
      var seen =
          IntStream.range(0, 50).mapToObj(i -> chooser.choose(draw(i, 3), placed(5, 0))).toList();

      assertThat(chooser.all(3, placed(5, 0)))
          .containsExactlyInAnyOrderElementsOf(seen.stream().distinct().toList());
    }
  }

  @Test
  void viewsOfRandomPartsAreCountedOnlyWhereThereIsOne() {
    var chooser = new View.Chooser(1, PicturePlan.of(64, false, true));

    assertThat(chooser.all(3, placed(1, 0))).isEmpty();
    assertThat(chooser.all(3, placed(0, 0))).hasSize(2);
  }

  private static Draw draw(long number, int picture) {
    return new Draw(number, 0, picture);
  }

  private static Placed placed(int spareWidth, int spareHeight) {
    return new Placed(new Bucket(64, 64), 64 + spareWidth, 64 + spareHeight);
  }
}
