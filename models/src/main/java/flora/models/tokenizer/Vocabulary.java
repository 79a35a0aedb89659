package flora.models.tokenizer;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** All tokens by id, and the added ones, which are found before a text is taken apart. */
final class Vocabulary {

  private final Map<Integer, String> tokens = new HashMap<>();
  private final Set<Integer> special = new HashSet<>();
  private final UnaryOperator<String> normalize;
  private final AddedTokens raw;
  private final AddedTokens normalized;

  /**
   * A vocabulary.
   *
   * @param ids of the tokens that the model was made with
   * @param added to them afterwards
   * @param normalize what is done to a text before words are sought in it
   */
  Vocabulary(
      Map<String, Integer> ids, List<TokenizerJson.Added> added, UnaryOperator<String> normalize) {
    this.normalize = normalize;
    ids.forEach((token, id) -> tokens.put(id, token));
    var rawIds = new HashMap<String, Integer>();
    var normalizedIds = new HashMap<String, Integer>();
    for (var token : added) {
      tokens.put(token.id(), token.content());
      if (token.special()) {
        special.add(token.id());
      }
      if (token.normalized()) {
        normalizedIds.put(normalize.apply(token.content()), token.id());
      } else {
        rawIds.put(token.content(), token.id());
      }
    }
    raw = new AddedTokens(rawIds);
    normalized = new AddedTokens(normalizedIds);
  }

  /** Hands on, in the order of the text, the ids of added tokens and the normal text between. */
  void split(String text, Consumer<String> between, IntConsumer token) {
    raw.split(text, part -> normalized.split(normalize.apply(part), between, token), token);
  }

  /** A token that is text; null for those that are not, and for those that are not there. */
  @Nullable String text(int id) {
    return special.contains(id) ? null : tokens.get(id);
  }

  int size() {
    return tokens.size();
  }
}
