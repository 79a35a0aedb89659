package flora.models.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/**
 * The vocabulary of OpenAI's CLIP, whose merges are carried along. Ids follow from them: the
 * alphabet, the alphabet at the end of a word, what each merge makes, the two special tokens.
 */
final class OpenAiVocabulary {
  private static final String MERGES = "/flora/models/sd15/merges.txt.gz";
  private static final String START = "<|startoftext|>";
  private static final String END = "<|endoftext|>";

  private OpenAiVocabulary() {}

  static ClipFiles read() {
    var merges = merges();
    var ids = new LinkedHashMap<String, Integer>();
    for (var letter : ByteLetters.alphabet()) {
      ids.put(letter, ids.size());
    }
    for (var letter : ByteLetters.alphabet()) {
      ids.put(letter + "</w>", ids.size());
    }
    for (var merge : merges) {
      ids.put(merge[0] + merge[1], ids.size());
    }
    int start = ids.size();
    int end = start + 1;
    ids.put(START, start);
    ids.put(END, end);
    var added =
        List.of(
            new TokenizerJson.Added(START, start, true, true),
            new TokenizerJson.Added(END, end, true, true));
    return new ClipFiles(
        Path.of("merges.txt.gz"), Map.copyOf(ids), merges, added, start, end, end, 77);
  }

  private static List<String[]> merges() {
    var merges = new ArrayList<String[]>();
    try (var in = Objects.requireNonNull(OpenAiVocabulary.class.getResourceAsStream(MERGES));
        var lines =
            new BufferedReader(
                new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8))) {
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        int space = line.indexOf(' ');
        merges.add(new String[] {line.substring(0, space), line.substring(space + 1)});
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return merges;
  }
}
