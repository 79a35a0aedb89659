package flora.models.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GeneratorTest {
  private static final int STOP = 9;
  private static final Ends ENDS = new Ends(STOP, 0, 20);

  /** Says 1, 2, 3 … and the stop token after as many words as its picture has. */
  private static final class Counting implements TextDecoder {
    private final List<Integer> words;
    private final int beams;
    final List<Integer> rowsAtStep = new ArrayList<>();
    private int said;

    Counting(int beams, Integer... words) {
      this.beams = beams;
      this.words = new ArrayList<>(List.of(words));
    }

    @Override
    public int rows() {
      return words.size() * beams;
    }

    @Override
    public int vocabulary() {
      return STOP + 1;
    }

    @Override
    public float[] next(int[] ids, int tokensPerRow) {
      assertThat(ids).hasSize(rows() * tokensPerRow);
      rowsAtStep.add(rows());
      said++;
      float[] scores = new float[rows() * vocabulary()];
      for (int row = 0; row < rows(); row++) {
        int token = said > words.get(row / beams) ? STOP : said % STOP;
        scores[row * vocabulary() + token] = 5;
      }
      return scores;
    }

    @Override
    public void reorder(int[] rows) {
      List<Integer> before = List.copyOf(words);
      words.clear();
      for (int i = 0; i < rows.length; i += beams) {
        words.add(before.get(rows[i] / beams));
      }
    }

    @Override
    public void close() {}
  }

  private static List<int[]> generate(Counting decoder, GenerationOptions options) {
    int pictures = decoder.words.size();
    return Generator.generate(decoder, pictures, new int[] {7}, ENDS, options, () -> {});
  }

  @ParameterizedTest
  @CsvSource({"1", "3"})
  void everyTextEndsAtItsOwnStop(int beams) {
    var options = new GenerationOptions(beams, 10, 0, 1, 0, 1, EarlyStopping.FALSE);

    assertThat(generate(new Counting(beams, 3, 0, 1), options))
        .containsExactly(new int[] {7, 1, 2, 3, STOP}, new int[] {7, STOP}, new int[] {7, 1, STOP});
  }

  @Test
  void picturesThatAreDoneLeaveTheBatchWhenTheyAreHalfOfIt() {
    var decoder = new Counting(1, 5, 0, 2, 0, 3);

    generate(decoder, GenerationOptions.greedy(10));

    // 2 of 5 are done after the first step, 3 after the third, 4 after the fourth
    assertThat(decoder.rowsAtStep).containsExactly(5, 5, 5, 2, 1, 1);
  }

  @Test
  void aTextEndsAtTheLastPosition() {
    var long20 = generate(new Counting(1, 100), GenerationOptions.greedy(50)).getFirst();

    assertThat(long20).hasSize(ENDS.maxPositions()).doesNotContain(STOP);
    assertThat(generate(new Counting(1, 100), GenerationOptions.greedy(4)).getFirst()).hasSize(5);
  }

  @Test
  void theBeatComesBeforeEveryStepAndEndsTheWork() {
    var decoder = new Counting(1, 100);
    var beats = new AtomicInteger();
    Runnable third =
        () -> {
          if (beats.incrementAndGet() == 3) {
            throw new CancellationException("enough");
          }
        };

    assertThatThrownBy(
            () ->
                Generator.generate(
                    decoder, 1, new int[] {7}, ENDS, GenerationOptions.greedy(9), third))
        .hasMessage("enough");
    assertThat(decoder.rowsAtStep).hasSize(2);
  }

  @Test
  void refusesADecoderOrABeginningThatDoesNotFit() {
    var greedy = GenerationOptions.greedy(3);
    int[] beginning = new int[20];
    Arrays.fill(beginning, 1);

    assertThatThrownBy(
            () -> Generator.generate(new Counting(2, 1), 1, new int[] {7}, ENDS, greedy, () -> {}))
        .hasMessageContaining("2 rows for 1 pictures with 1 beams");
    assertThatThrownBy(
            () -> Generator.generate(new Counting(1, 1), 1, beginning, ENDS, greedy, () -> {}))
        .hasMessageContaining("20 tokens; expected 1 to 19");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 5, 0, 1, 0, beams",
    "1, 0, 0, 1, 0, max_new_tokens",
    "1, 5, 6, 1, 0, min_new_tokens",
    "1, 5, 0, 0, 0, repetition_penalty",
    "1, 5, 0, 1, -1, no_repeat_ngram_size"
  })
  void namesTheOptionThatIsWrong(
      int beams, int max, int min, double penalty, int ngram, String key) {
    assertThatThrownBy(
            () -> new GenerationOptions(beams, max, min, penalty, ngram, 1, EarlyStopping.TRUE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(key + " = ");
  }
}
