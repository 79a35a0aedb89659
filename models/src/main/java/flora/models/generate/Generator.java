package flora.models.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lets a decoder write the texts of some pictures. The ids are those of transformers' {@code
 * generate} with the same options, whatever else is in the batch.
 */
public final class Generator {

  private Generator() {}

  /**
   * Writes one text for each picture.
   *
   * @param decoder fresh, with pictures × beams rows
   * @param beginning the first tokens of every text, at least one
   * @param beat called before every step; what it throws ends the search
   * @return the texts, beginning included, each up to its stop token
   */
  public static List<int[]> generate(
      TextDecoder decoder,
      int pictures,
      int[] beginning,
      Ends ends,
      GenerationOptions options,
      Runnable beat) {
    if (decoder.rows() != pictures * options.beams()) {
      throw new IllegalArgumentException(
          "a decoder of %d rows for %d pictures with %d beams"
              .formatted(decoder.rows(), pictures, options.beams()));
    }
    if (beginning.length < 1 || beginning.length >= ends.maxPositions()) {
      throw new IllegalArgumentException(
          "a beginning of %d tokens; expected 1 to %d"
              .formatted(beginning.length, ends.maxPositions() - 1));
    }
    int longest = Math.min(beginning.length + options.maxNewTokens(), ends.maxPositions());
    var rules = new ScoreRules(options, ends.stop(), beginning.length);
    var searches = new ArrayList<Search>();
    for (int i = 0; i < pictures; i++) {
      searches.add(
          options.beams() == 1
              ? new GreedySearch(beginning, longest, ends.stop(), rules)
              : new BeamSearch(beginning, longest, ends.stop(), rules, options));
    }
    search(decoder, searches, beginning, ends.pad(), beat);
    return searches.stream().map(Search::result).toList();
  }

  private static void search(
      TextDecoder decoder, List<Search> all, int[] beginning, int pad, Runnable beat) {
    List<Search> searches = all;
    int[] ids = new int[decoder.rows() * beginning.length];
    for (int row = 0; row < decoder.rows(); row++) {
      System.arraycopy(beginning, 0, ids, row * beginning.length, beginning.length);
    }
    int tokens = beginning.length;
    int vocabulary = decoder.vocabulary();
    while (!searches.isEmpty()) {
      beat.run();
      float[] scores = decoder.next(ids, tokens);
      int row = 0;
      for (Search search : searches) {
        if (!search.done()) {
          search.advance(scores, row * vocabulary, vocabulary);
        }
        row += search.rows();
      }
      searches = goOn(decoder, searches);
      ids = searches.stream().flatMapToInt(search -> lastTokens(search, pad)).toArray();
      tokens = 1;
    }
  }

  private static java.util.stream.IntStream lastTokens(Search search, int pad) {
    return java.util.stream.IntStream.range(0, search.rows())
        .map(row -> search.done() ? pad : search.last(row));
  }

  /**
   * Hands on which rows the decoder goes on with. Pictures that are done stay in the batch until
   * they are half of it, because leaving some out copies what the decoder knows of the others.
   */
  private static List<Search> goOn(TextDecoder decoder, List<Search> searches) {
    var open = new ArrayList<Search>();
    searches.stream().filter(search -> !search.done()).forEach(open::add);
    if (open.isEmpty()) {
      return open;
    }
    boolean shrinks = open.size() <= searches.size() / 2;
    var rows = new ArrayList<Integer>();
    int first = 0;
    for (Search search : searches) {
      for (int row = 0; row < search.rows(); row++) {
        if (!search.done()) {
          rows.add(first + search.source(row));
        } else if (!shrinks) {
          rows.add(first + row);
        }
      }
      first += search.rows();
    }
    int[] order = rows.stream().mapToInt(Integer::intValue).toArray();
    if (shrinks || !isIdentity(order)) {
      decoder.reorder(order);
    }
    return shrinks ? open : searches;
  }

  private static boolean isIdentity(int[] order) {
    int[] same = new int[order.length];
    Arrays.setAll(same, i -> i);
    return Arrays.equals(order, same);
  }
}
