package flora.standalone.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What a bench can measure, by name and in its order; each in a folder of its own. */
final class Scenarios {

  /** Something to be measured. */
  interface Scenario {
    /** Whether every number that is wanted was reached. */
    boolean run(Path folder) throws IOException, InterruptedException;
  }

  private final Map<String, Scenario> all = new LinkedHashMap<>();

  void put(String name, Scenario scenario) {
    all.put(name, scenario);
  }

  /**
   * Runs some by name, or all.
   *
   * @param hint to whoever names one that there is not; may be empty
   * @return 0 when every number that is wanted was reached, 1 when not, 2 for an unknown name
   */
  int run(Set<String> only, PrintStream out, Path work, String hint)
      throws IOException, InterruptedException {
    var unknown = new TreeSet<>(only);
    unknown.removeAll(all.keySet());
    if (!unknown.isEmpty()) {
      out.println("no such scenario: " + unknown + "; there are " + all.keySet() + hint);
      return 2;
    }
    boolean reached = true;
    for (var scenario : all.entrySet()) {
      if (only.isEmpty() || only.contains(scenario.getKey())) {
        var folder = Files.createTempDirectory(work, scenario.getKey());
        try {
          reached &= scenario.getValue().run(folder);
        } finally {
          BenchFiles.delete(folder);
        }
      }
    }
    return reached ? 0 : 1;
  }
}
