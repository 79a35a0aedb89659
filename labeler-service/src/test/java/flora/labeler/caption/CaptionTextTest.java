package flora.labeler.caption;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.request.CaptionRules;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaptionTextTest {

  /** Two for start and end, one for each word, one for each sign. */
  private static final TokenCounter WORDS =
      text ->
          2
              + (int)
                  Pattern.compile("[\\p{L}&&[^\\p{IsHan}]]+|\\p{IsHan}|[^\\s\\p{L}]")
                      .matcher(text)
                      .results()
                      .count();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          # trigger | prefix | suffix | caption | tags | text
          - | - | - | a cat | - | a cat
          - | - | - | - | cat;ink | cat, ink
          sks | - | - | - | - | sks
          sks | - | - | a cat | - | sks, a cat
          sks | photo | best quality | a cat | ink | sks, photo, a cat, ink, best quality
          - | photo | - | - | ink | photo, ink
          - | - | - | a cat on a mat | cat;ink;mat | a cat on a mat, ink
          - | - | - | A Cat on a mat | cat | A Cat on a mat
          - | - | - | a caterpillar | cat | a caterpillar, cat
          - | - | - | a well-lit cat | lit | a well-lit cat
          - | - | - | an oil  painting of a cat | oil painting | an oil  painting of a cat
          - | - | - | a painting in oil | oil painting | a painting in oil, oil painting
          - | - | - | 一只猫在睡觉 | 猫;狗 | 一只猫在睡觉, 狗
          - | - | - | ein Ärmel | ärmel;arm | ein Ärmel, arm
          - | - | - | a 3d render | 3d;3 | a 3d render, 3
          ' sks ' | ' ' | ' end ' | ' a cat ' | ' ink ' | sks, a cat, ink, end
          - | - | - | - | cat;cat;ink | cat, ink
          """)
  void partsStandInTheirOrderAndNothingIsSaidTwice(
      @Nullable String trigger,
      @Nullable String prefix,
      @Nullable String suffix,
      @Nullable String caption,
      @Nullable String tags,
      String text) {
    var rules = new CaptionRules(trigger, prefix, suffix, List.of(), Map.of(), 0);

    assertThat(new CaptionText(rules, null).assemble(caption, list(tags)).text()).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          # blacklist | replace | caption | tags | text
          photo | - | - | photo;cat | cat
          photo | - | - | photography;Photo | photography
          red | - | a red cat | red cat;reddish fur | a cat, reddish fur
          photo of | - | a photo of a cat | - | a a cat
          a photo of | - | A Photo  Of a cat | - | a cat
          ink | - | a cat, ink, on paper | - | a cat, on paper
          ink | - | ink, a cat | - | a cat
          ink | - | a cat, ink | - | a cat
          ink | - | a cat , ink . | - | a cat,.
          ink | - | thinking | - | thinking
          猫 | - | 一只猫，在睡觉 | - | 一只，在睡觉
          a cat | - | a cat | - | -
          a b;a | - | a b c a d | - | c d
          (c) | - | a cat (c) | - | a cat
          - | cat=dog | a Cat, a cat | cat;dog | a dog, a dog
          - | cat=dog;dog=cat | a cat and a dog | - | a dog and a cat
          - | cat=dog;black cat=panther | a black cat | - | a panther
          - | cat=$1\\ | a cat | - | a $1\\
          - | man=person;woman=person | a man and a woman | man;woman | a person and a person
          - | a.c=x | abc a.c | - | abc x
          - | cat= | a cat | cat;ink | a, ink
          dog | cat=dog | a cat | cat;ink | a, ink
          - | 猫=cat | 一只猫 | 猫 | 一只cat
          """)
  void whatIsReplacedGoesBeforeWhatIsBlacklisted(
      @Nullable String blacklist,
      @Nullable String replace,
      @Nullable String caption,
      @Nullable String tags,
      @Nullable String text) {
    var table = new LinkedHashMap<String, String>();
    for (var entry : list(replace)) {
      table.put(entry.substring(0, entry.indexOf('=')), entry.substring(entry.indexOf('=') + 1));
    }
    var rules = new CaptionRules(null, null, null, list(blacklist), table, 0);

    assertThat(new CaptionText(rules, null).assemble(caption, list(tags)).text())
        .isEqualTo(text == null ? "" : text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          # limit | trigger | prefix | suffix | caption | tags | text | cut
          77 | sks | - | - | a cat | ink | sks, a cat, ink | 0
          8 | sks | - | - | a cat | ink | sks, a cat, ink | 0
          7 | sks | - | - | a cat | ink | sks, a cat | 2
          6 | - | - | - | a cat | oil paint;ink | a cat | 5
          8 | - | - | - | a cat | oil paint;ink | a cat, oil paint | 2
          5 | - | - | - | a cat on a mat | ink | a cat on | 4
          6 | - | - | end | a cat on a mat | - | a cat, end | 3
          4 | - | - | the end | a cat | - | the end | 3
          3 | sks | pre | the end | a cat | ink | sks | 10
          1 | sks tok | - | - | a cat | - | sks tok | 3
          6 | - | - | - | 一只猫在睡觉 | - | 一只猫在 | 2
          5 | - | - | - | a cat, a mat | - | a cat | 3
          6 | - | - | - | a cat, a mat | - | a cat, a | 1
          0 | - | - | - | a cat on a mat | - | a cat on a mat | 0
          """)
  void tooManyTokensLoseTagsThenWordsAndNeverTheTriggerWord(
      int limit,
      @Nullable String trigger,
      @Nullable String prefix,
      @Nullable String suffix,
      @Nullable String caption,
      @Nullable String tags,
      String text,
      int cut) {
    var rules = new CaptionRules(trigger, prefix, suffix, List.of(), Map.of(), limit);

    assertThat(new CaptionText(rules, WORDS).assemble(caption, list(tags)))
        .isEqualTo(new CaptionText.Assembled(text, cut));
  }

  @Test
  void withoutACounterNothingIsCut() {
    var rules = new CaptionRules(null, null, null, List.of(), Map.of(), 2);

    assertThat(new CaptionText(rules, null).assemble("a cat", List.of()).cutTokens()).isZero();
  }

  private static List<String> list(@Nullable String parts) {
    return parts == null ? List.of() : Arrays.asList(parts.split(";"));
  }
}
