package flora.standalone.parity;

import ai.djl.engine.EngineException;
import flora.models.ModelException;
import flora.tensors.SafetensorsException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Runs golden sets and prints one line each: {@code ok|FAIL|unsupported set tensor-furthest-out
 * max_abs_diff tolerance}.
 */
public final class Parity {

  private enum Verdict {
    OK("ok"),
    FAIL("FAIL"),
    UNSUPPORTED("unsupported");

    private final String word;

    Verdict(String word) {
      this.word = word;
    }
  }

  private final Path root;
  private final PrintStream out;
  private final List<GoldenKind> kinds;

  /**
   * A run over one folder.
   *
   * @param root holds {@code models/}, {@code images/} and {@code golden/}
   * @param out where the lines go
   * @param exports where trained adapters are written, a folder a set; null = nowhere
   */
  public Parity(Path root, PrintStream out, @Nullable Path exports) {
    this.root = root.toAbsolutePath().normalize();
    this.out = out;
    this.kinds =
        List.of(
            new ImageSets(),
            new TokenizerSets(),
            new ClipSets(),
            new BlipSets(),
            new StableDiffusionSets(),
            new LoraTrainingSets(exports));
  }

  /**
   * Checks sets by name, or all; a name also stands for the sets below it ({@code tokenizers} for
   * {@code tokenizers/tiny-clip}).
   *
   * @return 0 when all are right, 1 when any is not or is unsupported, 2 when a name or the folder
   *     does not exist
   */
  public int run(Set<String> only) {
    List<String> names;
    try {
      if (!Files.isDirectory(root.resolve("golden"))) {
        out.println(root + " holds no folder golden; expected models/, images/, golden/");
        return 2;
      }
      names = GoldenSet.names(root);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var missing = new TreeSet<>(only);
    missing.removeIf(wanted -> names.stream().anyMatch(name -> covers(wanted, name)));
    if (!missing.isEmpty()) {
      out.println("no such set: " + String.join(", ", missing) + "; there are " + names);
      return 2;
    }
    boolean right = true;
    for (String name : names) {
      if (only.isEmpty() || only.stream().anyMatch(wanted -> covers(wanted, name))) {
        right &= check(name) == Verdict.OK;
      }
    }
    return right ? 0 : 1;
  }

  private static boolean covers(String wanted, String name) {
    return name.equals(wanted) || name.startsWith(wanted + "/");
  }

  private Verdict check(String name) {
    try (var set = GoldenSet.open(root, name)) {
      Optional<GoldenKind> kind = kinds.stream().filter(k -> k.handles(set)).findFirst();
      if (kind.isEmpty()) {
        return line(Verdict.UNSUPPORTED, name, "-", "-", "-");
      }
      var comparison = new Comparison(set);
      kind.get().check(set, comparison);
      Optional<String> forgotten = comparison.forgotten();
      if (forgotten.isPresent()) {
        return line(Verdict.UNSUPPORTED, name, forgotten.get(), "-", "-");
      }
      return comparison
          .worst()
          .map(
              row ->
                  line(
                      row.excess() <= 1 ? Verdict.OK : Verdict.FAIL,
                      name,
                      row.tensor(),
                      number(row.difference()),
                      number(row.tolerance())))
          .orElseGet(() -> line(Verdict.FAIL, name, "nothing to compare", "-", "-"));
    } catch (ModelException.Unsupported e) {
      return line(Verdict.UNSUPPORTED, name, String.valueOf(e.getMessage()), "-", "-");
    } catch (ModelException
        | SafetensorsException
        | EngineException
        | IllegalArgumentException
        | UncheckedIOException e) {
      return line(Verdict.FAIL, name, String.valueOf(e.getMessage()), "-", "-");
    }
  }

  private Verdict line(Verdict verdict, String set, String tensor, String diff, String tolerance) {
    out.printf("%-11s  %s  %s  %s  %s%n", verdict.word, set, tensor, diff, tolerance);
    return verdict;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }
}
