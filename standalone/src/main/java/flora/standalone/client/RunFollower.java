package flora.standalone.client;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

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
  private static final int MOST_FAILURES = 30;
  private static final int PLAIN_PERCENT = 10;

  /** Polls of a run that nobody has begun, until that is said. */
  private static final int POLLS_IN_QUEUE = 10;

  private static final String IN_QUEUE =
      "waiting for a worker: it starts, or does another run first (./flora runs)";

  private final GatewayClient client;
  private final PrintStream out;
  private final Style style;
  private final Set<String> said = new HashSet<>();
  private int drawn;
  private int queued;

  public RunFollower(GatewayClient client, PrintStream out, Style style) {
    this.client = client;
    this.out = out;
    this.style = style;
  }

  /**
   * Returns the run as it ended. A server that does not answer for a while is waited for: the run
   * does not end with it.
   */
  public Run follow(RunId id) throws InterruptedException {
    Run run = client.run(id);
    try (var details = style == Style.JSON ? FetchDetails.none() : FetchDetails.of(client, id)) {
      while (!run.status().isTerminal()) {
        show(run, details);
        Thread.sleep(POLL_MILLIS);
        run = patiently(id);
      }
      details.await();
      show(run, details);
      return run;
    }
  }

  private Run patiently(RunId id) throws InterruptedException {
    for (int failures = 0; ; failures++) {
      try {
        return client.run(id);
      } catch (GatewayClient.ServerGone e) {
        if (failures == MOST_FAILURES) {
          throw e;
        }
        Thread.sleep(1000);
      }
    }
  }

  private void show(Run run, FetchDetails details) {
    queued = run.status() == Run.Status.QUEUED ? queued + 1 : 0;
    switch (style) {
      case BARS -> drawBars(run, details);
      case LINES -> sayLines(run, details);
      case JSON -> sayOnce(new String(Json.bytes(run), StandardCharsets.UTF_8));
    }
  }

  /** What is to be told once: warnings of the stages, and what happened on the way. */
  private List<String> notes(Run run, FetchDetails details) {
    return Stream.concat(
            run.stages().values().stream().flatMap(state -> state.warnings().stream()),
            details.notices().stream())
        .map(note -> "note: " + StageLine.printable(note))
        .filter(said::add)
        .toList();
  }

  private void drawBars(Run run, FetchDetails details) {
    List<String> lines = new ArrayList<>(notes(run, details));
    int notes = lines.size();
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
    if (queued > POLLS_IN_QUEUE) {
      lines.add(IN_QUEUE);
    }
    if (run.stalled()) {
      lines.add("stalled: no worker has spoken for 30 s; it goes on when one comes back");
    }
    var text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append('A');
    }
    for (int i = 0; i < lines.size(); i++) {
      // a bar that is wider than the terminal is cut, or the next one would be drawn a line too low
      text.append(i < notes ? "\033[2K" : "\033[2K\033[?7l");
      text.append(lines.get(i)).append(i < notes ? "\n" : "\033[?7h\n");
    }
    text.append("\033[0J");
    out.print(text);
    out.flush();
    drawn = lines.size() - notes;
  }

  private void sayLines(Run run, FetchDetails details) {
    notes(run, details).forEach(out::println);
    if (queued > POLLS_IN_QUEUE) {
      sayOnce(IN_QUEUE);
    }
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
                boolean isFetching =
                    stage == Stage.FETCH && state.status() == StageState.Status.RUNNING;
                out.println(StageLine.plain(stage, state) + (isFetching ? details.summary() : ""));
              }
            });
  }

  private void sayOnce(String line) {
    if (said.add(line)) {
      out.println(line);
    }
  }
}
