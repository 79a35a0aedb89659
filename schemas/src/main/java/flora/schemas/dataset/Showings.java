package flora.schemas.dataset;

import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * How often pictures are shown in an epoch, and which are held out of training: what the gateway
 * tells before a run and what the trainer does.
 */
public final class Showings {

  private static final Pattern REPEATED = Pattern.compile("(\\d{1,3})_[^/]+/.*", Pattern.DOTALL);

  private Showings() {}

  /**
   * How often a picture is shown for its folder: N times in {@code N_name}, as kohya's sd-scripts
   * count it, N below 1000: longer numbers are dates and the like.
   */
  public static int repeats(String fileName) {
    var folder = REPEATED.matcher(fileName);
    return folder.matches() ? Integer.parseInt(folder.group(1)) : 1;
  }

  /**
   * The pictures that are held out, in their order. Digests decide, so that neither names nor other
   * pictures do.
   *
   * @param count how many pictures there are
   * @param split which share of them is held out; 0 = none
   */
  public static List<Integer> heldOut(
      int count,
      IntFunction<Sha256> digest,
      IntFunction<String> fileName,
      double split,
      long seed) {
    if (split <= 0) {
      return List.of();
    }
    return IntStream.range(0, count)
        .boxed()
        .sorted(
            Comparator.comparing((Integer i) -> lot(digest.apply(i), seed))
                .thenComparing(fileName::apply))
        .limit(Math.max(1, Math.round(count * split)))
        .sorted()
        .toList();
  }

  private static String lot(Sha256 picture, long seed) {
    var drawn = picture.hex() + " " + seed;
    return Sha256.sum(drawn.getBytes(StandardCharsets.UTF_8)).hex();
  }
}
