package flora.models.tokenizer;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * BERT's tokenizer: words and punctuation marks, each made of the longest pieces that the
 * vocabulary has (<a href="https://arxiv.org/abs/1810.04805">Devlin et al. 2018</a>).
 *
 * <p>Equals {@code transformers}' BertTokenizerFast, from {@code tokenizer.json} alone or from
 * {@code vocab.txt}; {@code tokenizer_config.json} and {@code special_tokens_map.json} are read
 * where they are. Safe for use by several threads.
 */
public final class BertTokenizer implements Tokenizer {

  /** Before every piece that does not begin a word. */
  private static final String CONTINUED = "##";

  private final BertFiles files;
  private final Vocabulary vocabulary;

  private BertTokenizer(BertFiles files) {
    this.files = files;
    vocabulary = new Vocabulary(files.vocabulary(), files.added(), files.words()::normalize);
  }

  /** Reads the tokenizer of a folder. Throws a {@link flora.models.ModelException}. */
  public static BertTokenizer load(Path folder) {
    return new BertTokenizer(BertFiles.read(folder));
  }

  /** The ids of a text with start and end, cut and padded to a length of at least 2. */
  @Override
  public Encoding encode(String text, int length) {
    return Encoding.of(ids(text), length, files.end(), files.pad());
  }

  /** The ids of a text with start and end, however many. */
  @Override
  public int[] ids(String text) {
    return IntStream.concat(
            IntStream.concat(IntStream.of(files.start()), IntStream.of(idsWithoutSpecials(text))),
            IntStream.of(files.end()))
        .toArray();
  }

  /** The ids of a text alone. */
  public int[] idsWithoutSpecials(String text) {
    var ids = IntStream.builder();
    vocabulary.split(text, part -> BertWords.split(part, word -> pieces(word, ids)), ids::add);
    return ids.build().toArray();
  }

  /** The longest pieces from the left; a word that they do not cover is unknown as a whole. */
  private void pieces(String word, IntStream.Builder ids) {
    if (word.codePointCount(0, word.length()) > files.longestWord()) {
      ids.add(files.unknown());
      return;
    }
    var found = IntStream.builder();
    int from = 0;
    while (from < word.length()) {
      String prefix = from == 0 ? "" : CONTINUED;
      int to = word.length();
      Integer id = null;
      while (to > from && id == null) {
        id = files.vocabulary().get(prefix + word.substring(from, to));
        to = id == null ? word.offsetByCodePoints(to, -1) : to;
      }
      if (id == null) {
        ids.add(files.unknown());
        return;
      }
      found.add(id);
      from = to;
    }
    found.build().forEach(ids::add);
  }

  /** The text of some ids, without special and unknown ones; the first piece keeps its mark. */
  @Override
  public String decode(int[] ids) {
    var text = new StringBuilder();
    boolean first = true;
    for (int id : ids) {
      String token = vocabulary.text(id);
      if (token == null) {
        continue;
      }
      if (!first) {
        token = token.startsWith(CONTINUED) ? token.substring(CONTINUED.length()) : " " + token;
      }
      text.append(files.tidiesTokens() ? tidy(token).replace(" do not", " don't") : token);
      first = false;
    }
    return files.tidiesTexts() ? tidy(text.toString()) : text.toString();
  }

  /** transformers' clean_up_tokenization. */
  private static String tidy(String text) {
    return text.replace(" .", ".")
        .replace(" ?", "?")
        .replace(" !", "!")
        .replace(" ,", ",")
        .replace(" ' ", "'")
        .replace(" n't", "n't")
        .replace(" 'm", "'m")
        .replace(" 's", "'s")
        .replace(" 've", "'ve")
        .replace(" 're", "'re");
  }

  /** The number of tokens, added ones included. */
  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  /** The number of ids that the model takes: {@code model_max_length}, usually 512. */
  @Override
  public int maxLength() {
    return files.maxLength();
  }

  /** The id before every text. */
  @Override
  public int startId() {
    return files.start();
  }

  /** The id after every text. */
  @Override
  public int endId() {
    return files.end();
  }

  /** The id that fills up. */
  @Override
  public int padId() {
    return files.pad();
  }

  /** The id of {@code bos_token}, which BERT itself has no use for. */
  @Override
  public Optional<Integer> bosId() {
    return files.bos();
  }

  @Override
  public Optional<Integer> eosId() {
    return Optional.empty();
  }
}
