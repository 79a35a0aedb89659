package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fetcher.download.Inquiry.Refetch;
import flora.fetcher.download.UploadState.StoredPart;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InquiryTest {

  /** Sources of which some always give the same wrong bytes of some parts. */
  private static final class World {
    private final Random random;
    private final int parts;
    private final TreeMap<String, Set<Integer>> lies = new TreeMap<>();
    private final TreeMap<Integer, StoredPart> stored = new TreeMap<>();
    private final Evidence evidence = new Evidence();
    private int fetched;

    World(int parts, long seed) {
      this.parts = parts;
      this.random = new Random(seed);
    }

    World source(String name, Integer... wrong) {
      lies.put(name, Set.of(wrong));
      return this;
    }

    void bring(Set<String> avoided) {
      var able = lies.keySet().stream().filter(name -> !avoided.contains(name)).toList();
      for (int number = 1; number <= parts; number++) {
        if (!stored.containsKey(number)) {
          var one = able.get(random.nextInt(able.size()));
          var other = random.nextInt(4) == 0 ? able.get(random.nextInt(able.size())) : one;
          give(number, one.equals(other) ? List.of(one) : List.of(one, other));
        }
      }
    }

    void give(int number, List<String> sources) {
      var bytes = right(number);
      var runs = new ArrayList<Part.Run>();
      int share = bytes.length / sources.size();
      for (int i = 0; i < sources.size(); i++) {
        var source = sources.get(i);
        runs.add(new Part.Run(source, i * share, (i + 1) * share));
        if (lies.get(source).contains(number)) {
          // the same part of two sources is wrong in two ways
          bytes[i * share] = (byte) (100 + List.copyOf(lies.keySet()).indexOf(source));
        }
      }
      evidence.gave(number, bytes, runs);
      stored.put(number, new StoredPart(number, "", 1, Arrays.hashCode(bytes), sources));
      fetched++;
    }

    private static byte[] right(int number) {
      var bytes = new byte[4];
      Arrays.fill(bytes, (byte) number);
      return bytes;
    }

    boolean isRight() {
      return stored.values().stream()
          .allMatch(part -> part.crc32c() == Arrays.hashCode(right(part.number())));
    }

    List<StoredPart> parts() {
      return List.copyOf(stored.values());
    }

    Set<String> liars() {
      var names = new HashSet<String>();
      lies.forEach(
          (name, wrong) -> {
            if (!wrong.isEmpty()) {
              names.add(name);
            }
          });
      return names;
    }

    /** What a download does; who is found to have lied, nothing when it is given up. */
    Optional<Set<String>> solve(Inquiry inquiry) {
      bring(Set.of());
      for (int rounds = 0; !isRight(); rounds++) {
        assertThat(rounds).as("rounds").isLessThan(4 * lies.size());
        var next = inquiry.next(parts(), lies.keySet());
        if (next.isEmpty()) {
          return Optional.empty();
        }
        stored.keySet().removeAll(next.get().parts());
        bring(next.get().avoided());
      }
      return Optional.of(evidence.contradicted());
    }
  }

  @Test
  void endsWithTheRightFileWhileOneSourceIsHonestAndBlamesNoneThatIs() {
    int blamed = 0;
    for (int seed = 0; seed < 3000; seed++) {
      var random = new Random(seed);
      var world = new World(1 + random.nextInt(12), seed).source("honest");
      for (int i = random.nextInt(4); i > 0; i--) {
        var wrong = new HashSet<Integer>();
        for (int n = random.nextInt(4); n > 0; n--) {
          wrong.add(1 + random.nextInt(world.parts));
        }
        world.source("source-" + i, wrong.toArray(Integer[]::new));
      }

      var found = world.solve(new Inquiry(""));

      assertThat(found).as("seed %d", seed).isPresent();
      assertThat(world.liars()).as("seed %d", seed).containsAll(found.get());
      blamed += found.get().size();
    }
    assertThat(blamed).isGreaterThan(500);
  }

  @Test
  void fetchesOnlyWhatTheSuspectGave() {
    var world = new World(10, 1).source("a", 3).source("b");
    for (int number = 1; number <= 10; number++) {
      world.give(number, List.of(number <= 4 ? "a" : "b"));
    }
    world.fetched = 0;

    assertThat(world.solve(new Inquiry(""))).contains(Set.of("a"));

    assertThat(world.fetched).isEqualTo(4);
  }

  @Test
  void suspectsTheCopiesBeforeThePlaceWhoseListCounts() {
    var world = new World(10, 1).source("hub").source("mirror", 9);
    for (int number = 1; number <= 10; number++) {
      world.give(number, List.of(number <= 4 ? "hub" : "mirror"));
    }
    world.fetched = 0;

    assertThat(world.solve(new Inquiry("hub"))).contains(Set.of("mirror"));

    assertThat(world.fetched).isEqualTo(6);
  }

  @Test
  void doesNotFetchAgainWhatTwoHaveGivenAlike() {
    var world = new World(10, 1).source("a").source("b", 9);
    for (int number = 1; number <= 10; number++) {
      world.give(number, List.of(number <= 4 ? "a" : "b"));
    }
    world.fetched = 0;

    assertThat(world.solve(new Inquiry(""))).contains(Set.of("b"));

    // those of a once more from b, which are the same; then those of b that nobody confirms
    assertThat(world.fetched).isEqualTo(4 + 6);
  }

  @Test
  void startsOverOnceWithTheOnlySource() {
    var world = new World(2, 1).source("a", 1);
    world.bring(Set.of());
    var inquiry = new Inquiry("");

    assertThat(inquiry.next(world.parts(), Set.of("a")))
        .contains(new Refetch(Set.of(1, 2), Set.of()));
    assertThat(inquiry.wrongAlone()).containsExactly("a");
    assertThat(inquiry.next(world.parts(), Set.of("a"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void givesUpWhenNobodyHasTheRightFile(int sources) {
    var world = new World(5, 7);
    for (int i = 0; i < sources; i++) {
      world.source("source-" + i, 2, 3);
    }

    assertThat(world.solve(new Inquiry(""))).isEmpty();
  }

  @Test
  void asksTheSuspectAgainWhenTheOthersCannotGiveItsParts() {
    var world = new World(4, 1).source("a").source("b", 4);
    List.of(1, 2, 3).forEach(number -> world.give(number, List.of("b")));
    world.give(4, List.of("a"));
    var inquiry = new Inquiry("");
    var sources = new ArrayList<>(List.of("a", "b"));

    var first = inquiry.next(world.parts(), sources).orElseThrow();
    assertThat(first).isEqualTo(new Refetch(Set.of(4), Set.of("a")));
    var second = inquiry.failed(first, sources).orElseThrow();

    assertThat(second).isEqualTo(new Refetch(Set.of(), Set.of("b")));
  }

  @Test
  void partsOfNobodyKnownGoFirst() {
    var parts =
        List.of(new StoredPart(1, "", 1, 7, List.of("a")), new StoredPart(2, "", 1, -1, List.of()));

    assertThat(new Inquiry("").next(parts, Set.of("a", "b")))
        .contains(new Refetch(Set.of(2), Set.of()));
  }
}
