package flora.trainer;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** A lease of one run without a queue: the head lies in the store, events are written down. */
public class RecordingContext implements StageContext {

  private final ObjectStore store;
  private final RunId run;
  private final int attempt;
  private final List<Event> events = new ArrayList<>();
  private Runnable onProceed = () -> {};
  private volatile Control control = Control.NONE;

  public RecordingContext(ObjectStore store, RunId run, int attempt) {
    this.store = store;
    this.run = run;
    this.attempt = attempt;
  }

  /** What happens at every {@link #proceed}: a cancel, a lost lease, a crash. */
  public RecordingContext onProceed(Runnable action) {
    onProceed = action;
    return this;
  }

  /** What people want from now on. */
  public void want(Control wanted) {
    control = wanted;
  }

  public List<Event> events() {
    synchronized (events) {
      return List.copyOf(events);
    }
  }

  public <T extends Event> List<T> events(Class<T> type) {
    return events().stream().filter(type::isInstance).map(type::cast).toList();
  }

  @Override
  public RunId runId() {
    return run;
  }

  @Override
  public int attempt() {
    return attempt;
  }

  @Override
  public long epoch() {
    return attempt;
  }

  @Override
  public Head head() {
    return store
        .read(StoreLayout.RUNS, StoreLayout.head(run))
        .map(stored -> Json.read(stored.bytes(), Head.class))
        .orElseGet(() -> Head.empty(run));
  }

  @Override
  public Head updateHead(UnaryOperator<Head> change) {
    if (head().epoch() > epoch()) {
      throw new LeaseLost(run, epoch());
    }
    var changed = change.apply(head()).under(epoch());
    store.put(StoreLayout.RUNS, StoreLayout.head(run), Json.bytes(changed), "application/json");
    return changed;
  }

  @Override
  public void publish(Function<EventStamp, Event> event) {
    synchronized (events) {
      events.add(
          event.apply(new EventStamp(run, attempt, events.size() + 1, Instant.ofEpochSecond(1))));
    }
  }

  @Override
  public void progress(Function<EventStamp, Event> event) {
    publish(event);
  }

  @Override
  public Control control() {
    return control;
  }

  @Override
  public void proceed() {
    onProceed.run();
  }
}
