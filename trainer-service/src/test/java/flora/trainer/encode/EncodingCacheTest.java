package flora.trainer.encode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EncodingCacheTest {

  private final ArrayList<String> encoded = new ArrayList<>();
  private final ArrayList<String> closed = new ArrayList<>();
  private final EncodingCache<String, String> cache =
      new EncodingCache<>(
          2,
          key -> {
            encoded.add(key);
            return key.toUpperCase(java.util.Locale.ROOT);
          },
          _ -> 1,
          closed::add);

  @Test
  void encodesOnce() {
    assertThat(cache.get("a")).isEqualTo("A");
    assertThat(cache.get("a")).isEqualTo("A");

    assertThat(encoded).containsExactly("a");
  }

  @Test
  void closesWhatWasNotSeenForLongest() {
    cache.get("a");
    cache.get("b");
    cache.get("a");
    cache.get("c");
    assertThat(closed).isEmpty();
    cache.trim();

    assertThat(closed).containsExactly("B");
    cache.get("a");
    assertThat(encoded).containsExactly("a", "b", "c");
  }

  @Test
  void holdsWhatOneBatchNeedsEvenWhereThatIsMore() {
    assertThat(List.of(cache.get("a"), cache.get("b"), cache.get("c")))
        .containsExactly("A", "B", "C");

    assertThat(closed).isEmpty();
    assertThat(cache.get("a")).isEqualTo("A");
    assertThat(encoded).containsExactly("a", "b", "c");
  }

  @Test
  void closesEverythingAtTheEnd() {
    cache.get("a");
    cache.get("b");
    cache.close();

    assertThat(closed).containsExactlyInAnyOrder("A", "B");
  }
}
