package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.schemas.request.CaptionPlan;
import flora.trainer.data.DataOrder.Draw;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaptionRulesTest {

  private static final double NEVER = 1e-300;

  /** What sd-scripts' process_caption answers where nothing is left to chance. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      textBlock =
          """
          a, b, c, d                 ; 2 ;     ; ,   ;      ;       ; a, b, c, d
          a,b ,, c                   ; 0 ;     ; ,   ;      ;       ; a, b, , c
          a, b ||| c, d, ||| e,, f   ; 0 ; ||| ; ,   ;      ;       ; a, b, c, d, e, f
          a ||| c ||| e ||| f        ; 0 ; ||| ; ,   ;      ;       ; a, c, e ||| f
          one| two, three| four      ; 1 ;     ; "|" ;      ;       ; one, two, three, four
          a, b                       ; 1 ;     ; ,   ; pre, ; , suf ; pre, a, b, suf
          """)
  void splitsTagsAsSdScriptsDo(
      String text,
      int keep,
      @Nullable String keepSeparator,
      String separator,
      @Nullable String prefix,
      @Nullable String suffix,
      String expected) {
    var plan =
        new CaptionPlan(
            0.0, 0, NEVER, false, keep, keepSeparator, separator, prefix, suffix, 75, 1);

    assertThat(new CaptionRules(plan, 1).caption(text, draw(5))).isEqualTo(expected);
  }

  @Test
  void onlyTheFirstLineHasTags() {
    var rules = rules(0, 0, NEVER, false, 1);

    assertThat(rules.caption("a, b\nc, d", draw(1))).isEqualTo("a, b");
  }

  @Test
  void nothingIsTouchedWhereNothingIsAskedFor() {
    var rules = rules(0, 0, 0, false, 3);

    assertThat(rules.caption("a,b ,, c\nd", draw(1))).isEqualTo("a,b ,, c\nd");
    assertThat(rules.all("a,b")).containsExactly("a,b");
  }

  @Test
  void leavesOutAsManyCaptionsAsAskedFor() {
    var rules = rules(0.3, 0, 0, false, 0);

    long dropped = draws().filter(i -> rules.caption("a", draw(i)).isEmpty()).count();

    assertThat(dropped).isCloseTo(3_000, within(230L));
    assertThat(rules.all("a")).containsExactly("a", "");
  }

  /** sd-scripts count epochs from 1. */
  @Test
  void leavesOutAllCaptionsOfEverySoManiethEpoch() {
    var rules = rules(0, 3, 0, false, 0);

    var said = IntStream.range(0, 7).mapToObj(e -> rules.caption("a", new Draw(e, e, 0))).toList();

    assertThat(said).containsExactly("a", "a", "", "a", "a", "", "a");
    assertThat(rules.all("a")).containsExactly("a", "");
  }

  @Test
  void shufflesAllTagsBehindThoseThatAreKept() {
    var rules = rules(0, 0, 0, true, 1);

    var said = new HashSet<String>();
    draws().limit(600).forEach(i -> said.add(rules.caption("a, b, c, d", draw(i))));

    assertThat(said)
        .containsExactlyInAnyOrder(
            "a, b, c, d", "a, b, d, c", "a, c, b, d", "a, c, d, b", "a, d, b, c", "a, d, c, b");
    assertThat(rules.all("a, b")).isEmpty();
  }

  @Test
  void leavesOutTagsOneByOneButNoneThatIsKept() {
    var rules = rules(0, 0, 0.25, false, 2);

    var counts = new int[4];
    draws()
        .forEach(
            i -> {
              var tags = List.of(rules.caption("a, b, c, d", draw(i)).split(", "));
              assertThat(tags).startsWith("a", "b");
              counts[tags.size() - 2] += 1;
              counts[3] += tags.contains("c") ? 1 : 0;
            });

    assertThat(Arrays.stream(counts).boxed().toList())
        .zipSatisfy(
            List.of(625, 3_750, 5_625, 7_500),
            (found, wanted) -> assertThat(found).isCloseTo(wanted, within(250)));
  }

  @Test
  void theSameShowingSaysTheSameAndAnotherSeedAnother() {
    var one = rules(0.1, 0, 0.3, true, 1);
    var text = "a, b, c, d, e, f";

    var said = draws().limit(50).mapToObj(i -> one.caption(text, draw(i))).toList();

    var again = rules(0.1, 0, 0.3, true, 1);
    assertThat(draws().limit(50).mapToObj(i -> again.caption(text, draw(i))).toList())
        .isEqualTo(said);
    var other = new CaptionRules(plan(0.1, 0, 0.3, true, 1), 2);
    assertThat(draws().limit(50).mapToObj(i -> other.caption(text, draw(i))).toList())
        .isNotEqualTo(said);
  }

  private static IntStream draws() {
    return IntStream.range(0, 10_000);
  }

  private static Draw draw(long number) {
    return new Draw(number, 0, 0);
  }

  private static CaptionRules rules(
      double dropout, int epochs, double tagDropout, boolean shuffle, int keep) {
    return new CaptionRules(plan(dropout, epochs, tagDropout, shuffle, keep), 1);
  }

  private static CaptionPlan plan(
      double dropout, int epochs, double tagDropout, boolean shuffle, int keep) {
    return new CaptionPlan(
        dropout, epochs, tagDropout, shuffle, keep, null, ",", null, null, 75, 1);
  }
}
