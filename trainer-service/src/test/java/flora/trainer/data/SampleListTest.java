package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Sha256;
import flora.schemas.dataset.Bucket;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.ValidationPlan;
import flora.store.memory.MemoryObjectStore;
import flora.trainer.data.SampleList.Sample;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SampleListTest {

  private static final PicturePlan SQUARES = PicturePlan.of(64, true, false);
  private static final PicturePlan BUCKETS =
      new PicturePlan(512, true, false, null, true, 256, 1024, 64, false, 1);

  @Test
  void showsEachPictureOnce() {
    var list = list(SQUARES, image("a.png", 90, 60), image("b.png", 60, 90));

    assertThat(list.training()).containsExactly(square(0), square(1));
    assertThat(list.validation()).isEmpty();
    assertThat(list.place(0).width()).isEqualTo(96);
  }

  @Test
  void foldersSayHowOftenTheirPicturesAreShown() {
    var list =
        list(
            SQUARES,
            image("3_cats/a.png", 90, 60),
            image("0_dogs/b.png", 60, 90),
            image("2_old/5_new/c.png", 60, 90),
            image("20231105_party/d.png", 60, 90),
            image("4_e.png", 60, 90));

    assertThat(list.training())
        .containsExactly(
            square(0), square(0), square(0), square(2), square(2), square(3), square(4));
  }

  @Test
  void theRequestRepeatsOnTopOfThat() {
    var twice = new PicturePlan(64, true, false, null, false, 256, 1024, 64, false, 2);

    assertThat(list(twice, image("3_cats/a.png", 90, 60), image("b.png", 90, 60)).training())
        .hasSize(8);
  }

  @Test
  void picturesKeepAboutTheirShapeWithBuckets() {
    var list = list(BUCKETS, image("a.png", 1000, 500), image("b.png", 700, 701));

    assertThat(list.training())
        .containsExactly(new Sample(0, new Bucket(704, 320)), new Sample(1, new Bucket(512, 512)));
    assertThat(list.buckets()).containsExactly(new Bucket(512, 512), new Bucket(704, 320));
  }

  @Test
  void aPictureThatFillsNoBucketIsNamed() {
    var plan = new PicturePlan(512, true, false, null, true, 256, 1024, 64, true, 1);

    assertThatThrownBy(() -> list(plan, image("wide.png", 600, 300), image("small.png", 40, 300)))
        .isInstanceOf(DataException.TooSmall.class)
        .hasMessageContaining("small.png of 40 x 300")
        .hasMessageContaining("64");
  }

  @Test
  void heldOutPicturesAreNeverTrainedOn() {
    var images = IntStream.range(0, 40).mapToObj(i -> image("3_x/" + i + ".png", 64, 64)).toList();

    var list = list(images, 0.25, 7);

    assertThat(list.validation()).hasSize(10).doesNotHaveDuplicates().isSorted();
    assertThat(list.training()).hasSize(90);
    assertThat(list.training().stream().map(Sample::picture))
        .doesNotContainAnyElementsOf(list.validation());
  }

  @Test
  void whatIsHeldOutHangsOnTheSeedAndTheBytesAlone() {
    var images = IntStream.range(0, 40).mapToObj(i -> image(i + ".png", 64, 64)).toList();

    var some = names(images, list(images, 0.25, 7));

    assertThat(names(images.reversed(), list(images.reversed(), 0.25, 7))).isEqualTo(some);
    assertThat(names(images, list(images, 0.25, 8))).isNotEqualTo(some);
    // a smaller share is a part of a larger one
    assertThat(some).containsAll(names(images, list(images, 0.1, 7)));
  }

  @Test
  void aSeedOfItsOwnDecidesWhatIsHeldOut() {
    var images = IntStream.range(0, 40).mapToObj(i -> image(i + ".png", 64, 64)).toList();
    var judged = new ValidationPlan(0.25, null, null, 7L);

    assertThat(SampleList.of(pictures(images), SQUARES, judged, 1234).validation())
        .isEqualTo(list(images, 0.25, 7).validation());
  }

  @Test
  void atLeastOnePictureIsHeldOutAndOneIsLeft() {
    var two = List.of(image("a.png", 64, 64), image("b.png", 64, 64));

    assertThat(list(two, 0.01, 7).validation()).hasSize(1);
    assertThatThrownBy(() -> list(two, 0.99, 7))
        .isInstanceOf(DataException.NothingToTrainOn.class)
        .hasMessageContaining("2 are held out");
  }

  private static Sample square(int picture) {
    return new Sample(picture, new Bucket(64, 64));
  }

  private static HashSet<String> names(List<Image> images, SampleList list) {
    var names = new HashSet<String>();
    list.validation().forEach(picture -> names.add(images.get(picture).fileName()));
    return names;
  }

  private static SampleList list(PicturePlan plan, Image... images) {
    var none = new ValidationPlan(0.0, null, null, null);
    return SampleList.of(pictures(List.of(images)), plan, none, 1);
  }

  private static SampleList list(List<Image> images, double split, long seed) {
    var judged = new ValidationPlan(split, null, null, null);
    return SampleList.of(pictures(images), SQUARES, judged, seed);
  }

  private static PictureSet pictures(List<Image> images) {
    return new PictureSet(
        new MemoryObjectStore(Clock.systemUTC()),
        new DatasetManifest("drawings", images, List.of(), null));
  }

  private static Image image(String name, int width, int height) {
    var digest = Sha256.sum(name.getBytes(StandardCharsets.UTF_8));
    return new Image(name, digest, 1, width, height, "a drawing", "user");
  }
}
