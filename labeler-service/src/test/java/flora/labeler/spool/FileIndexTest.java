package flora.labeler.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileIndexTest {

  record Value(String name, String group, String text) {}

  @TempDir Path folder;

  @Test
  void findsValuesByTheirKeysAndKeepsTheirOrder() {
    try (var work = WorkFolder.in(folder)) {
      var index = work.index(Value.class);
      var byName = index.by(Value::name);
      var byGroup = index.by(v -> v.group().isEmpty() ? null : v.group());
      for (int i = 0; i < 5000; i++) {
        // some longer than every buffer
        var text = "t".repeat(i % 1000 == 0 ? 100_000 : i % 50);
        index.add(new Value("n" + i, i % 2 == 0 ? "" : "g" + i % 7, text));
      }

      assertThat(index.size()).isEqualTo(5000);
      assertThat(byName.first("n4000").orElseThrow().text()).hasSize(100_000);
      for (int i = 0; i < 5000; i += 7) {
        assertThat(byName.last("n" + i).orElseThrow().name()).isEqualTo("n" + i);
      }
      assertThat(byName.first("n5000")).isEmpty();
      assertThat(byGroup.first("")).isEmpty();
      assertThat(byGroup.first("g3").orElseThrow().name()).isEqualTo("n3");
      assertThat(byGroup.last("g3").orElseThrow().name()).isEqualTo("n4987");
      assertThat(byGroup.all("g3"))
          .extracting(Value::name)
          .containsExactlyElementsOf(
              IntStream.range(0, 5000)
                  .filter(i -> i % 2 == 1 && i % 7 == 3)
                  .mapToObj(i -> "n" + i)
                  .toList());
      assertThat(index)
          .extracting(Value::name)
          .containsExactlyElementsOf(IntStream.range(0, 5000).mapToObj(i -> "n" + i).toList());
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void valuesMayBeAddedAfterSomeWereFound() {
    try (var work = WorkFolder.in(folder)) {
      var index = work.index(Value.class);
      var byName = index.by(Value::name);
      index.add(new Value("a", "", "1"));
      assertThat(byName.last("a").orElseThrow().text()).isEqualTo("1");
      index.add(new Value("a", "", "2"));

      assertThat(byName.last("a").orElseThrow().text()).isEqualTo("2");
      assertThat(byName.first("a").orElseThrow().text()).isEqualTo("1");
      assertThatThrownBy(() -> index.by(Value::group)).isInstanceOf(IllegalStateException.class);
    }
  }

  /** Says how often one was read. */
  record Seen(String key) {
    static final AtomicInteger COUNT = new AtomicInteger();

    Seen {
      COUNT.incrementAndGet();
    }
  }

  @Test
  void ofAKeyThatAllValuesHaveNoMoreAreReadThanAreAskedFor() {
    try (var work = WorkFolder.in(folder)) {
      var index = work.index(Seen.class);
      var byKey = index.by(Seen::key);
      for (int i = 0; i < 100; i++) {
        index.add(new Seen("same"));
      }
      Seen.COUNT.set(0);

      assertThat(byKey.all("same").iterator().next().key()).isEqualTo("same");

      assertThat(Seen.COUNT.get()).isLessThan(5);
      assertThat(byKey.all("same")).hasSize(100);
    }
  }
}
