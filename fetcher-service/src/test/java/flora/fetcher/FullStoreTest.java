package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fetcher.download.TamperedStore;
import flora.hub.HubClient;
import flora.hub.HubSettings;
import flora.hub.RetryPolicy;
import flora.schemas.ErrorCode;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FullStoreTest {

  private static final Set<String> WRITES = Set.of("put", "putIfAbsent", "putIfMatch");

  private final AtomicLong writesLeft = new AtomicLong(Long.MAX_VALUE);
  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final RecordingContext context = new RecordingContext();
  private final FakeHub hub =
      FakeHub.start(0)
          .add(FakeRepo.model("flora/words").file("config.json", "{}").noise("a.safetensors", 9));
  private final HubClient client =
      new HubClient(HubSettings.of(hub.endpoint()), RetryPolicy.DEFAULT, Clock.systemUTC());
  private final FetcherFlow flow =
      Flows.of(
          client,
          TamperedStore.of(
              store,
              (method, _) -> {
                if (WRITES.contains(method) && writesLeft.getAndDecrement() <= 0) {
                  throw new ObjectStoreException.Full("of other things");
                }
              }));

  FullStoreTest() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  private CompletableFuture<Void> begin() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            var request = Requests.mirror("flora/words", List.of("*"), List.of());
            context.events.add(context.say(flow.run(request, context)));
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /** Of the wish, two blobs with their markers, and the manifests. */
  @ParameterizedTest
  @ValueSource(longs = {0, 2, 4, 6, 8})
  void pausesAndGoesOnByItself(long writes) throws Exception {
    writesLeft.set(writes);
    var run = begin();
    await().until(() -> !context.events(FetchEvent.Paused.class).isEmpty());
    assertThat(run).isNotDone();

    writesLeft.set(Long.MAX_VALUE);
    run.get();

    assertThat(context.events(FetchEvent.Paused.class).getFirst().error().code())
        .isEqualTo(ErrorCode.INSUFFICIENT_DISK);
    assertThat(context.events(FetchEvent.Resumed.class)).isNotEmpty();
    assertThat(context.events.getLast()).isInstanceOf(FetchEvent.Completed.class);
    assertThat(context.events.subList(0, context.events.size() - 1))
        .noneMatch(FetchEvent.Completed.class::isInstance);
  }

  @Test
  void canBeCancelledWhilePaused() {
    writesLeft.set(3);
    var run = begin();
    await().until(() -> !context.events(FetchEvent.Paused.class).isEmpty());

    context.cancelled = true;

    assertThatThrownBy(run::get).hasRootCauseInstanceOf(StageContext.RunCancelled.class);
  }
}
