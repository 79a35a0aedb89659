package flora.stage;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * {@code runs/{id}/head.json} as seen under one epoch. Opening it stamps the epoch at once, so an
 * earlier holder of the lease that still writes finds a head that is not the one it knows.
 */
final class FencedHead {

  private static final String TYPE = "application/json";

  private final ObjectStore store;
  private final RunId run;
  private final long epoch;
  private Head head;
  private Optional<String> etag = Optional.empty();

  private FencedHead(ObjectStore store, RunId run, long epoch) {
    this.store = store;
    this.run = run;
    this.epoch = epoch;
    this.head = Head.empty(run);
  }

  /**
   * @throws StageContext.LeaseLost when a later epoch has been here
   */
  static FencedHead open(ObjectStore store, RunId run, long epoch) {
    var head = new FencedHead(store, run, epoch);
    head.load();
    head.update(h -> h);
    return head;
  }

  synchronized Head get() {
    return head;
  }

  /**
   * @throws StageContext.LeaseLost when a later epoch has been here
   */
  synchronized Head update(UnaryOperator<Head> change) {
    while (true) {
      var next = change.apply(head).under(epoch);
      var bytes = Json.bytes(next);
      var key = StoreLayout.head(run);
      var written =
          etag.isPresent()
              ? store.putIfMatch(StoreLayout.RUNS, key, bytes, TYPE, etag.get())
              : store.putIfAbsent(StoreLayout.RUNS, key, bytes, TYPE);
      if (written.isPresent()) {
        head = next;
        etag = written;
        return next;
      }
      load(); // throws when it was taken from us
    }
  }

  private void load() {
    var stored = store.read(StoreLayout.RUNS, StoreLayout.head(run));
    head = stored.map(s -> Json.read(s.bytes(), Head.class)).orElseGet(() -> Head.empty(run));
    etag = stored.map(s -> s.etag());
    if (head.epoch() > epoch) {
      throw new StageContext.LeaseLost(run, epoch);
    }
  }
}
