package flora.labeler.check;

import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import java.util.ArrayList;
import java.util.List;

/** The pictures that one finding is about: how many, and the first names. */
final class Found {

  private static final int EXAMPLES = 20;

  private final List<String> examples = new ArrayList<>();
  private long count;

  void add(String example) {
    count++;
    if (examples.size() < EXAMPLES) {
      examples.add(example);
    }
  }

  long count() {
    return count;
  }

  Finding finding(Severity severity, String code, String message, String hint) {
    return new Finding(severity, code, count, message, hint, examples);
  }
}
