package flora.models.tokenizer;

import java.util.Optional;

/** Texts as ids and back, as {@code transformers}' fast tokenizers. Safe for several threads. */
public sealed interface Tokenizer permits BertTokenizer, ClipTokenizer {

  /** The ids of a text with start and end, however many. */
  int[] ids(String text);

  /** The ids of a text with start and end, cut and padded to a length of at least 2. */
  Encoding encode(String text, int length);

  /** The text of some ids, without special ones. */
  String decode(int[] ids);

  /** The number of tokens, added ones included. */
  int vocabularySize();

  /** The number of ids that the model takes: {@code model_max_length}. */
  int maxLength();

  /** The id before every text. */
  int startId();

  /** The id after every text. */
  int endId();

  /** The id that fills up. */
  int padId();

  /** The id of {@code bos_token}; empty where the tokenizer names none. */
  Optional<Integer> bosId();

  /** The id of {@code eos_token}; empty where the tokenizer names none. */
  Optional<Integer> eosId();
}
