package flora.fetcher;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.stage.StageContext;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Keeps what a flow says; cancels when told to. */
final class RecordingContext implements StageContext {

  final List<Event> events = new CopyOnWriteArrayList<>();
  final List<Event> progress = new CopyOnWriteArrayList<>();
  volatile boolean cancelled;
  private final RunId run = RunId.of("test");
  private final AtomicLong seq = new AtomicLong();

  <T extends Event> List<T> events(Class<T> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  Event say(Function<EventStamp, Event> event) {
    return event.apply(new EventStamp(run, 1, seq.incrementAndGet(), Instant.EPOCH));
  }

  @Override
  public RunId runId() {
    return run;
  }

  @Override
  public int attempt() {
    return 1;
  }

  @Override
  public long epoch() {
    return 1;
  }

  @Override
  public Head head() {
    return Head.empty(run);
  }

  @Override
  public Head updateHead(UnaryOperator<Head> change) {
    throw new UnsupportedOperationException("the fetch stage leaves the head alone");
  }

  @Override
  public void publish(Function<EventStamp, Event> event) {
    events.add(say(event));
  }

  @Override
  public void progress(Function<EventStamp, Event> event) {
    progress.add(say(event));
  }

  @Override
  public Control control() {
    return Control.NONE;
  }

  @Override
  public void proceed() {
    if (cancelled) {
      throw new RunCancelled(run);
    }
  }
}
