package flora.models.tokenizer;

import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * CLIP's tokenizer: NFC, one space for any white space, lower case; words, digits and signs apart;
 * byte-pair encoding.
 *
 * <p>Equals {@code transformers}' CLIPTokenizerFast, from {@code tokenizer.json} alone or from
 * {@code vocab.json} and {@code merges.txt} alone; {@code tokenizer_config.json} and {@code
 * special_tokens_map.json} are read where they are. Safe for use by several threads.
 */
public final class ClipTokenizer implements Tokenizer {

  private static final Pattern PIECES =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+",
          Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern WHITE_SPACE =
      Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private final ClipFiles files;
  private final BytePairs pairs;
  private final Vocabulary vocabulary;

  ClipTokenizer(ClipFiles files) {
    this.files = files;
    pairs = new BytePairs(files.source(), files.vocabulary(), files.merges(), files.end());
    vocabulary = new Vocabulary(files.vocabulary(), files.added(), ClipTokenizer::normalize);
  }

  /** Reads the tokenizer of a folder. Throws a {@link flora.models.ModelException}. */
  public static ClipTokenizer load(Path folder) {
    return new ClipTokenizer(ClipFiles.read(folder));
  }

  /** The tokenizer of OpenAI's CLIP models and so of Stable Diffusion 1, carried along. */
  public static ClipTokenizer openAi() {
    return new ClipTokenizer(OpenAiVocabulary.read());
  }

  /** The ids of a text with start and end, cut and padded to the model's length. */
  public Encoding encode(String text) {
    return encode(text, files.maxLength());
  }

  /** The ids of a text with start and end, cut and padded to a length of at least 2. */
  @Override
  public Encoding encode(String text, int length) {
    return Encoding.of(ids(text), length, files.end(), files.pad());
  }

  /** The ids of a text with start and end, however many. */
  @Override
  public int[] ids(String text) {
    var ids = IntStream.builder();
    ids.add(files.start());
    vocabulary.split(text, part -> words(part, ids), ids::add);
    ids.add(files.end());
    return ids.build().toArray();
  }

  private void words(String text, IntStream.Builder ids) {
    Matcher piece = PIECES.matcher(text);
    while (piece.find()) {
      pairs.encode(ByteLetters.encode(piece.group()), ids::add);
    }
  }

  /** The text of some ids; start, end and padding are left out. */
  @Override
  public String decode(int[] ids) {
    var letters = new StringBuilder();
    for (int id : ids) {
      letters.append(Objects.requireNonNullElse(vocabulary.text(id), ""));
    }
    return ByteLetters.decode(letters.toString()).replace("</w>", " ").strip();
  }

  /** The number of tokens, added ones included. */
  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  /** The number of ids that the model takes: {@code model_max_length}, usually 77. */
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

  @Override
  public Optional<Integer> bosId() {
    return Optional.of(files.start());
  }

  @Override
  public Optional<Integer> eosId() {
    return Optional.of(files.end());
  }

  /** Letter by letter, as the peer does: a sigma at the end of a word stays as any other. */
  private static String normalize(String text) {
    String spaced =
        WHITE_SPACE.matcher(Normalizer.normalize(text, Normalizer.Form.NFC)).replaceAll(" ");
    var lower = new StringBuilder(spaced.length());
    spaced.codePoints().forEach(c -> lower.append(Character.toString(c).toLowerCase(Locale.ROOT)));
    return lower.toString();
  }
}
