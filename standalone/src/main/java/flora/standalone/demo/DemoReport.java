package flora.standalone.demo;

import flora.schemas.dataset.MetadataCsv;
import flora.schemas.run.Run;
import flora.standalone.demo.PictureGenerator.Drawing;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Says on the terminal what came out of the demo's run. */
final class DemoReport {

  private final PrintStream out;

  DemoReport(PrintStream out) {
    this.out = out;
  }

  /** Which of the hub's files were needed. */
  void fetched(Set<String> downloaded, int listed) {
    out.printf(
        "fetched  %d of the hub's %d files; twins in other formats stayed there%n",
        downloaded.size(), listed);
  }

  /** The captions, and how many say what is drawn. */
  void labels(byte[] metadataCsv, List<Drawing> drawings, int examples) {
    Map<String, String> captions = new HashMap<>();
    MetadataCsv.read(new String(metadataCsv, StandardCharsets.UTF_8))
        .forEach(row -> captions.put(row.fileName(), row.text()));
    int right = 0;
    for (int i = 0; i < drawings.size(); i++) {
      var name = DemoPictures.fileName(i);
      var caption = captions.getOrDefault(name, "(none)");
      right += caption.equals(drawings.get(i).label()) ? 1 : 0;
      if (i < examples) {
        out.printf("         %s  %s%n", name, caption);
      }
    }
    out.printf("labels   %d of %d say what is drawn%n", right, drawings.size());
  }

  /** Mean loss before the first checkpoint and before the last. */
  void loss(List<Run.SavedCheckpoint> checkpoints) {
    if (checkpoints.size() < 2) {
      return;
    }
    var first = checkpoints.getFirst();
    var last = checkpoints.getLast();
    var before = checkpoints.get(checkpoints.size() - 2);
    say(
        "loss     %.4f in steps 1 to %d, %.4f in steps %d to %d (means)",
        first.loss(), first.step(), last.loss(), before.step() + 1, last.step());
  }

  /** Says what the statistic says; true when it is what was expected. */
  boolean verdict(StyleStatistic.Verdict verdict, boolean control) {
    say(
        "stripes  without %.1f, with %.1f grey levels; above %.0f are %d of %d without, %d of %d with",
        verdict.meanBefore(),
        verdict.meanAfter(),
        StyleStatistic.THRESHOLD,
        verdict.stripedBefore(),
        verdict.count(),
        verdict.stripedAfter(),
        verdict.count());
    if (control) {
      out.println(
          verdict.passes()
              ? "the control passes, so the statistic tells nothing"
              : "the control does not pass, as it should");
      return !verdict.passes();
    }
    out.println(
        verdict.passes()
            ? "the adapter draws on stripes, the base model does not"
            : "the adapter has not learned the stripes");
    return verdict.passes();
  }

  private void say(String format, Object... values) {
    out.println(String.format(Locale.ROOT, format, values));
  }
}
