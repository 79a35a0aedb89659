package flora.stage;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.schemas.RetryAfter;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * A fetch stage whose work is what the run's name says: {@code sleep-MS}, {@code hold} (until
 * {@link #letGo}), {@code write-MS} (in the store, all the time), {@code refuse}, {@code break},
 * {@code flaky-TIMES}, {@code stubborn-MS} (heeds no interrupt).
 */
final class ScriptedFlow implements StageFlow {

  /** One time that it ran. */
  record Ran(String name, String worker, Instant from, Instant to) {}

  final List<Ran> ran = new CopyOnWriteArrayList<>();
  private final Map<String, Integer> failures = new ConcurrentHashMap<>();
  private final String worker;
  private final ObjectStore store;

  ScriptedFlow(String worker, ObjectStore store) {
    this.worker = worker;
    this.store = store;
  }

  @Override
  public Stage stage() {
    return Stage.FETCH;
  }

  @Override
  public Function<EventStamp, Event> run(RunRequest request, StageContext context)
      throws InterruptedException {
    var from = Instant.now();
    context.publish(
        s ->
            new FetchEvent.FileVerified(
                s.runId(),
                s.attempt(),
                s.seq(),
                s.at(),
                new RepoId("owner/name"),
                "begun",
                new ObjectRef("b", "k", 0, new Sha256("0".repeat(64))),
                worker));
    var words = request.name().split("-");
    long amount = words.length > 1 ? Long.parseLong(words[1]) : 0;
    switch (words[0]) {
      case "hold" -> hold(context);
      case "sleep" -> sleep(amount, context, false);
      case "write" -> sleep(amount, context, true);
      case "stubborn" -> stubborn(amount);
      case "refuse" -> throw new Trouble(ErrorCode.REPO_NOT_FOUND, Optional.empty());
      case "break" -> throw new IllegalStateException("secret hunter2");
      case "flaky" -> {
        if (failures.merge(context.runId().value(), 1, Integer::sum) <= amount) {
          throw new Trouble(ErrorCode.HUB_UNREACHABLE, Optional.of(Duration.ofMillis(120)));
        }
      }
      default -> throw new AssertionError(request.name());
    }
    ran.add(new Ran(request.name(), worker, from, Instant.now()));
    return s -> new FetchEvent.Completed(s.runId(), s.attempt(), s.seq(), s.at(), 1, List.of());
  }

  private void sleep(long millis, StageContext context, boolean write) throws InterruptedException {
    var end = System.nanoTime() + Duration.ofMillis(millis).toNanos();
    for (long done = 0; System.nanoTime() < end; done++) {
      context.proceed();
      long tick = done;
      context.progress(
          s ->
              new FetchEvent.Progressed(
                  s.runId(),
                  s.attempt(),
                  s.seq(),
                  s.at(),
                  tick,
                  millis / 20,
                  0,
                  0,
                  null,
                  null,
                  List.of()));
      if (write) {
        store.put(StoreLayout.RUNS, "scratch", new byte[10], "application/octet-stream");
      }
      Thread.sleep(20);
    }
  }

  /** Lets a run end that holds, whoever works on it. */
  static void letGo(ObjectStore store, RunId run) {
    store.put(StoreLayout.RUNS, "let-go/" + run, new byte[0], "application/octet-stream");
  }

  private void hold(StageContext context) throws InterruptedException {
    while (store.head(StoreLayout.RUNS, "let-go/" + context.runId()).isEmpty()) {
      context.proceed();
      context.progress(
          s ->
              new FetchEvent.Progressed(
                  s.runId(), s.attempt(), s.seq(), s.at(), 1, 2, 0, 0, null, null, List.of()));
      Thread.sleep(20);
    }
  }

  private static void stubborn(long millis) {
    var end = System.nanoTime() + Duration.ofMillis(millis).toNanos();
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  /** A failure that has a name. */
  static final class Trouble extends PipelineException implements RetryAfter {
    private final ErrorCode code;
    private final Optional<Duration> retryAfter;

    Trouble(ErrorCode code, Optional<Duration> retryAfter) {
      super("there is no such repository");
      this.code = code;
      this.retryAfter = retryAfter;
    }

    @Override
    public ErrorCode code() {
      return code;
    }

    @Override
    public Optional<Duration> retryAfter() {
      return retryAfter;
    }
  }
}
