package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SidecarNamesTest {

  @Test
  void noTwoPicturesHaveTheSame() {
    var names = new SidecarNames();

    assertThat(
            Stream.of("a.gif", "a.jpg", "a.jpg", "a.jpg.png", "b/a.gif", "x.y/plain")
                .map(names::of))
        .containsExactly(
            "a.txt", "a.jpg.txt", "a.jpg-2.txt", "a.jpg.png.txt", "b/a.txt", "x.y/plain.txt");
  }

  @Test
  void onlyTheFirstHasTheNameThatTrainersLookFor() {
    assertThat(SidecarNames.isUsual("a/b.png", "a/b.txt")).isTrue();
    assertThat(SidecarNames.isUsual("a/b.png", "a/b.png.txt")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"../a.png,_/a.png", "/a.png,_/a.png", "b/./a.png,b/_/a.png", "c:\\a.png,_/a.png"})
  void noTextLiesElsewhere(String picture, String within) {
    assertThat(SidecarNames.within(picture)).isEqualTo(within);
    assertThat(SidecarNames.within("b/a..png")).isEqualTo("b/a..png");
  }
}
