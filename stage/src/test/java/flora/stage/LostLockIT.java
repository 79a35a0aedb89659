package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.RunId;
import flora.schemas.fetch.FetchEvent;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker whose Kafka client has lost its session, as it does while a broker restarts. */
class LostLockIT {

  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir Path folder;
  private Rig rig;
  private ScriptedFlow flow;
  private final AtomicInteger opened = new AtomicInteger();
  private volatile boolean broken;

  @BeforeEach
  void start() throws Exception {
    rig = Rig.start(folder, Map.of());
    flow = new ScriptedFlow("one", rig.store);
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  @Test
  void takesTheRecordAnewWhenARenewalIsNotSent() throws Exception {
    // as the client does when the partition is in no session: no answer, no error, no more records
    worker(
        (method, call) ->
            switch (method) {
              case "acknowledge" -> null;
              case "commitSync" -> Map.of();
              case "poll" -> nothing();
              default -> call.run();
            });

    finishesWithASecondConsumer();
  }

  @Test
  void takesTheRecordAnewWhenARenewedOneDoesNotComeBack() throws Exception {
    worker((method, call) -> method.equals("poll") ? nothing() : call.run());

    finishesWithASecondConsumer();
  }

  private void finishesWithASecondConsumer() throws Exception {
    var run = rig.submit("hold");
    await().atMost(SOON).until(() -> begun(run) > 0);

    broken = true;
    int before = begun(run);

    await().atMost(SOON).until(() -> begun(run) > before);
    ScriptedFlow.letGo(rig.store, run);
    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Completed.class).isEmpty());
    assertThat(opened).hasValueGreaterThan(1);
    assertThat(flow.ran).hasSize(1);
    assertThat(rig.events(run, FetchEvent.Completed.class))
        .hasSize(1)
        .allMatch(e -> e.attempt() > 1);
  }

  private int begun(RunId run) {
    return rig.events(run, FetchEvent.FileVerified.class).size();
  }

  private static ConsumerRecords<?, ?> nothing() throws InterruptedException {
    Thread.sleep(100);
    return ConsumerRecords.empty();
  }

  private interface Call {
    Object run() throws Throwable;
  }

  private interface Fault {
    Object answer(String method, Call call) throws Throwable;
  }

  /** A worker whose first consumer has a fault once it is broken, and whose others have none. */
  private void worker(Fault fault) {
    var real = rig.consumers();
    rig.worker(
        "one",
        flow,
        (group, name) -> {
          var consumer = real.createShareConsumer(group, name);
          return opened.incrementAndGet() == 1
              ? faulty(consumer, (method, call) -> broken ? fault.answer(method, call) : call.run())
              : consumer;
        });
  }

  @SuppressWarnings("unchecked")
  private static ShareConsumer<String, byte[]> faulty(
      ShareConsumer<String, byte[]> real, Fault fault) {
    return (ShareConsumer<String, byte[]>)
        Proxy.newProxyInstance(
            LostLockIT.class.getClassLoader(),
            new Class<?>[] {ShareConsumer.class},
            (proxy, method, arguments) -> {
              try {
                return fault.answer(method.getName(), () -> method.invoke(real, arguments));
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
