package flora.standalone.client;

import flora.schemas.Stage;
import flora.schemas.run.StageState;
import java.util.Locale;

/** One stage of a run as one line of text. Pure. */
public final class StageLine {

  private static final int BAR = 24;

  private StageLine() {}

  /** {@code train ████████░░░░░░░░ 48/100 steps loss 0.113 rate 2.0e-04 12 s left}. */
  public static String bar(Stage stage, StageState state) {
    double part = state.total() == 0 ? 0 : Math.min(1, (double) state.done() / state.total());
    if (state.status() == StageState.Status.SUCCEEDED) {
      part = 1;
    }
    int full = (int) Math.round(part * BAR);
    return "%-5s  %s%s  %s"
        .formatted(stage.id(), "█".repeat(full), "░".repeat(BAR - full), facts(state));
  }

  /** The same without the bar, for a pipe. */
  public static String plain(Stage stage, StageState state) {
    return "%-5s  %s".formatted(stage.id(), facts(state));
  }

  private static String facts(StageState state) {
    var text = new StringBuilder();
    switch (state.status()) {
      case PENDING -> text.append("waiting");
      case SKIPPED -> text.append("nothing to do");
      case RUNNING -> text.append(amount(state));
      case SUCCEEDED -> text.append("done  ").append(amount(state));
      case FAILED -> text.append("failed");
      case CANCELLED -> text.append("cancelled");
    }
    if (state.loss() != null) {
      text.append("  loss %.4f".formatted(state.loss()));
    }
    if (state.learningRate() != null && state.status() == StageState.Status.RUNNING) {
      text.append("  rate %.1e".formatted(state.learningRate()));
    }
    if (state.bytesPerSecond() != null && state.status() == StageState.Status.RUNNING) {
      text.append("  ").append(bytes(state.bytesPerSecond())).append("/s");
    }
    if (state.etaSeconds() != null && state.status() == StageState.Status.RUNNING) {
      text.append("  ").append(duration(state.etaSeconds())).append(" left");
    }
    if (state.paused() != null && state.status() == StageState.Status.RUNNING) {
      text.append("  PAUSED: ").append(printable(state.paused().message()));
      if (state.paused().hint() != null) {
        text.append("; ").append(printable(state.paused().hint()));
      }
    }
    return text.toString();
  }

  private static String amount(StageState state) {
    if (state.unit().equals("bytes") && state.total() == 0) {
      return state.status() == StageState.Status.RUNNING ? "asking for the list of files" : "";
    }
    return state.unit().equals("bytes")
        ? "%s of %s".formatted(bytes(state.done()), bytes(state.total()))
        : "%d/%d %s".formatted(state.done(), state.total(), state.unit());
  }

  /** A text that names what a hub named, without what a terminal would obey. */
  public static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  /** Decimal units, as download tools use them. */
  public static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 999.5 && unit < 3) {
      value /= 1000;
      unit++;
    }
    return String.format(
        Locale.ROOT, value < 10 ? "%.1f %cB" : "%.0f %cB", value, "kMGT".charAt(unit));
  }

  /** {@code 45 s}, {@code 13 min}, {@code 2 h 05 min}. */
  public static String duration(long seconds) {
    if (seconds < 100) {
      return seconds + " s";
    }
    long minutes = Math.round(seconds / 60.0);
    return minutes < 100 ? minutes + " min" : "%d h %02d min".formatted(minutes / 60, minutes % 60);
  }
}
