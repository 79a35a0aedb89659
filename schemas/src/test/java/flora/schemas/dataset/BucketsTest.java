package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.dataset.Buckets.Placed;
import flora.schemas.dataset.Buckets.Sides;
import java.util.ArrayList;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;

class BucketsTest {

  private static final Buckets USUAL = Buckets.of(512, 512, new Sides(256, 1024, 64));

  /** What sd-scripts answer; 0 where they fail. Written by tools/parity/make_buckets.py. */
  @ParameterizedTest
  @CsvFileSource(resources = "/dataset/buckets.csv", numLinesToSkip = 1)
  void placesAsSdScriptsDo(
      int maxWidth,
      int maxHeight,
      int least,
      int most,
      int step,
      int noUpscale,
      int width,
      int height,
      int bucketWidth,
      int bucketHeight,
      int resizedWidth,
      int resizedHeight) {
    var buckets =
        noUpscale == 1
            ? Buckets.withoutEnlarging(maxWidth, maxHeight, step)
            : Buckets.of(maxWidth, maxHeight, new Sides(least, most, step));
    var expected =
        bucketWidth == 0
            ? Optional.<Placed>empty()
            : Optional.of(
                new Placed(new Bucket(bucketWidth, bucketHeight), resizedWidth, resizedHeight));

    assertThat(buckets.place(width, height)).isEqualTo(expected);
  }

  @Test
  void sizesAreAlignedAndNoLargerThanTheArea() {
    assertThat(USUAL.sizes()).isSorted().doesNotHaveDuplicates().contains(new Bucket(512, 512));
    assertThat(USUAL.sizes())
        .allSatisfy(
            bucket -> {
              assertThat(bucket.width() % 64).isZero();
              assertThat(bucket.height() % 64).isZero();
              assertThat(bucket.width() * bucket.height()).isLessThanOrEqualTo(512 * 512);
              assertThat(USUAL.sizes()).contains(new Bucket(bucket.height(), bucket.width()));
            });
  }

  @Test
  void aResizedPictureCoversItsBucketWithOneSideExact() {
    for (int[] size : sizes()) {
      for (var buckets : rules()) {
        buckets
            .place(size[0], size[1])
            .ifPresent(
                placed -> {
                  int spareWidth = placed.width() - placed.bucket().width();
                  int spareHeight = placed.height() - placed.bucket().height();
                  assertThat(spareWidth).isNotNegative();
                  assertThat(spareHeight).isNotNegative();
                });
      }
    }
  }

  @Test
  void aPictureThatIsTurnedIsTurnedInItsBucket() {
    for (var bucket : USUAL.sizes()) {
      var upright = USUAL.place(3 * bucket.width(), 3 * bucket.height()).orElseThrow();
      var turned = USUAL.place(3 * bucket.height(), 3 * bucket.width()).orElseThrow();

      assertThat(turned)
          .isEqualTo(
              new Placed(
                  new Bucket(upright.bucket().height(), upright.bucket().width()),
                  upright.height(),
                  upright.width()));
    }
  }

  @Test
  void nothingIsEnlargedWhereThatIsForbidden() {
    var buckets = Buckets.withoutEnlarging(512, 512, 64);

    for (int[] size : sizes()) {
      buckets
          .place(size[0], size[1])
          .ifPresent(placed -> assertThat(placed.enlarges(size[0], size[1])).isFalse());
    }
    assertThat(buckets.place(63, 400)).isEmpty();
    assertThat(USUAL.place(63, 400).orElseThrow().enlarges(63, 400)).isTrue();
  }

  /** torchvision: int(size * longer / shorter). */
  @ParameterizedTest
  @CsvSource({"100, 100, 64, 64", "100, 177, 64, 113", "641, 480, 85, 64", "30, 20, 96, 64"})
  void withoutBucketsTheShorterEdgeFitsTheSquare(int width, int height, int resized, int other) {
    assertThat(Buckets.single(64, 64).place(width, height))
        .contains(new Placed(new Bucket(64, 64), resized, other));
  }

  @Test
  void withoutBucketsAnOblongIsCoveredToo() {
    assertThat(Buckets.single(96, 64).place(100, 100))
        .contains(new Placed(new Bucket(96, 64), 96, 96));
    assertThat(Buckets.single(96, 64).sizes()).containsExactly(new Bucket(96, 64));
  }

  @Test
  void refusesSidesThatNoBucketHas() {
    assertThatThrownBy(() -> new Sides(512, 256, 64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("512");
  }

  private static ArrayList<Buckets> rules() {
    var rules = new ArrayList<Buckets>();
    rules.add(USUAL);
    rules.add(Buckets.of(640, 448, new Sides(128, 896, 32)));
    rules.add(Buckets.withoutEnlarging(512, 512, 64));
    rules.add(Buckets.withoutEnlarging(300, 700, 8));
    rules.add(Buckets.single(64, 64));
    rules.add(Buckets.single(96, 64));
    return rules;
  }

  private static ArrayList<int[]> sizes() {
    var numbers = new Random(11);
    var sizes = new ArrayList<int[]>();
    for (int i = 0; i < 300; i++) {
      sizes.add(new int[] {numbers.nextInt(16, 4000), numbers.nextInt(16, 4000)});
    }
    return sizes;
  }
}
