package flora.models.tokenizer;

import flora.models.ModelException.ConfigInvalid;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair encoding (<a href="https://arxiv.org/abs/1508.07909">Sennrich et al. 2016</a>): a
 * word's letters are joined pair by pair, the earliest learned merge first, the leftmost where
 * several wait. Takes n log n steps, so a very long word does no harm.
 */
final class BytePairs {

  private static final String END_OF_WORD = "</w>";

  /** Two neighbouring tokens. */
  private record Pair(int left, int right) {}

  /** What a pair becomes, and how early the merge was learned. */
  private record Merge(int rank, int token) {}

  /** A merge that waits at a place of the word. */
  private record Candidate(Merge merge, Pair pair, int at) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      int byRank = Integer.compare(merge.rank, other.merge.rank);
      return byRank != 0 ? byRank : Integer.compare(at, other.at);
    }
  }

  private final Map<String, Integer> vocabulary;
  private final int unknown;
  private final Map<Pair, Merge> merges = new HashMap<>();

  /** Throws {@link ConfigInvalid} when the vocabulary lacks a part or the result of a merge. */
  BytePairs(Path source, Map<String, Integer> vocabulary, List<String[]> merges, int unknown) {
    this.vocabulary = vocabulary;
    this.unknown = unknown;
    for (String[] parts : merges) {
      var pair = new Pair(known(source, parts[0]), known(source, parts[1]));
      int joined = known(source, parts[0] + parts[1]);
      this.merges.putIfAbsent(pair, new Merge(this.merges.size(), joined));
    }
  }

  private int known(Path source, String token) {
    Integer id = vocabulary.get(token);
    if (id == null) {
      throw new ConfigInvalid(source, "a merge needs the token " + token + ", which is missing");
    }
    return id;
  }

  /** Hands on the tokens of a word of byte letters. */
  void encode(String letters, IntConsumer tokens) {
    new Word(letters).encode(tokens);
  }

  /** One word while it is merged: a linked list over arrays. */
  private final class Word {
    private final int[] token;
    private final int[] next;
    private final int[] previous;
    private final PriorityQueue<Candidate> waiting = new PriorityQueue<>();

    Word(String letters) {
      int n = letters.length();
      token = new int[n];
      next = new int[n];
      previous = new int[n];
      for (int i = 0; i < n; i++) {
        String letter = letters.substring(i, i + 1);
        token[i] = vocabulary.getOrDefault(i == n - 1 ? letter + END_OF_WORD : letter, unknown);
        next[i] = i + 1;
        previous[i] = i - 1;
      }
    }

    void encode(IntConsumer tokens) {
      for (int i = 0; i + 1 < token.length; i++) {
        offer(i);
      }
      for (Candidate best = waiting.poll(); best != null; best = waiting.poll()) {
        if (best.pair.equals(pairAt(best.at))) {
          merge(best);
        }
      }
      for (int i = 0; i < token.length; i = next[i]) {
        tokens.accept(token[i]);
      }
    }

    private void merge(Candidate best) {
      int left = best.at;
      int right = next[left];
      token[left] = best.merge.token;
      token[right] = -1;
      next[left] = next[right];
      if (next[left] < token.length) {
        previous[next[left]] = left;
        offer(left);
      }
      if (previous[left] >= 0) {
        offer(previous[left]);
      }
    }

    private void offer(int at) {
      Pair pair = pairAt(at);
      Merge merge = pair == null ? null : merges.get(pair);
      if (pair != null && merge != null) {
        waiting.add(new Candidate(merge, pair, at));
      }
    }

    /**
     * The pair that starts here now; null when this place has been merged away or ends the word.
     */
    private @Nullable Pair pairAt(int at) {
      return token[at] < 0 || next[at] >= token.length
          ? null
          : new Pair(token[at], token[next[at]]);
    }
  }
}
