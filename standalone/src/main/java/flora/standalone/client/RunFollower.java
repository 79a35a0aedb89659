package flora.standalone.client;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Follows a run until it ends: one bar a stage on a terminal, a line whenever something changed in
 * a pipe, the whole run as a line of JSON with {@code --json}.
 */
public final class RunFollower {

  /** How to tell it. */
  public enum Style {
    BARS,
    LINES,
    JSON
  }

  private static final long POLL_MILLIS = 300;
  private static final int PLAIN_PERCENT = 10;

  private final GatewayClient client;
  private final PrintStream out;
  private final Style style;
  private final Set<String> said = new HashSet<>();
  private int drawn;

  public RunFollower(GatewayClient client, PrintStream out, Style style) {
    this.client = client;
    this.out = out;
    this.style = style;
  }

  /** Returns the run as it ended. */
  public Run follow(RunId id) throws InterruptedException {
    Run run = client.run(id);
    try (var details = style == Style.BARS ? FetchDetails.of(client, id) : FetchDetails.none()) {
      while (true) {
        show(run, details);
        if (run.status().isTerminal()) {
          return run;
        }
        Thread.sleep(POLL_MILLIS);
        run = client.run(id);
      }
    }
  }

  private void show(Run run, FetchDetails details) {
    switch (style) {
      case BARS -> drawBars(run, details);
      case LINES -> sayLines(run);
      case JSON -> sayOnce(new String(Json.bytes(run), java.nio.charset.StandardCharsets.UTF_8));
    }
  }

  private void drawBars(Run run, FetchDetails details) {
    List<String> lines = new ArrayList<>();
    run.stages()
        .forEach(
            (stage, state) -> {
              if (state.status() != StageState.Status.SKIPPED) {
                lines.add(StageLine.bar(stage, state));
              }
              if (stage == Stage.FETCH && state.status() == StageState.Status.RUNNING) {
                lines.addAll(details.lines());
              }
            });
    if (run.stalled()) {
      lines.add("stalled: no worker has spoken for 30 s; it goes on when one comes back");
    }
    var text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append('A');
    }
    for (var line : lines) {
      text.append("\033[2K").append(line).append('\n');
    }
    text.append("\033[0J");
    out.print(text);
    out.flush();
    drawn = lines.size();
  }

  private void sayLines(Run run) {
    run.stages()
        .forEach(
            (stage, state) -> {
              if (state.status() == StageState.Status.PENDING
                  || state.status() == StageState.Status.SKIPPED) {
                return;
              }
              long tenth =
                  state.total() == 0 ? 0 : 100 * state.done() / state.total() / PLAIN_PERCENT;
              boolean isPaused = state.paused() != null;
              if (said.add(stage + "/" + state.status() + "/" + tenth + "/" + isPaused)) {
                out.println(StageLine.plain(stage, state));
              }
            });
  }

  private void sayOnce(String line) {
    if (said.add(line)) {
      out.println(line);
    }
  }
}
