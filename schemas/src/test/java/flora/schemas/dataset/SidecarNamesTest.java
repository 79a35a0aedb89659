package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

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
}
