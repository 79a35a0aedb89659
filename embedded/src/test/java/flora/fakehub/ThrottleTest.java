package flora.fakehub;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ThrottleTest {

  private static final String FILE = "model.safetensors";
  private static final int MIB = 1 << 20;

  private final FakeHub hub =
      FakeHub.start(0).add(FakeRepo.model("flora/tiny").noise(FILE, 4 * MIB));
  private final HubCalls calls = new HubCalls(hub);

  @AfterEach
  void stop() {
    calls.close();
    hub.close();
  }

  @Test
  void pacesEachConnectionOverItsRequests() throws Exception {
    var at = calls.content("flora/tiny", FILE);
    hub.throttle(Throttle.NONE.connection(4 * MIB));

    // one after the other on one connection that is kept: 2 × 1 MiB at 4 MiB/s
    double seconds =
        seconds(
            () -> {
              assertThat(calls.get(at, "bytes=0-1048575").body()).hasSize(MIB);
              assertThat(calls.get(at, "bytes=1048576-2097151").body()).hasSize(MIB);
            });

    assertThat(seconds).isBetween(0.44, 0.75);
    assertThat(hub.sent())
        .extracting(FakeHub.Sent::connection)
        .containsOnly(hub.sent().getFirst().connection());
  }

  @Test
  void isAccurateWithSixteenConnectionsAndSharesTheLink() throws Exception {
    var at = calls.content("flora/tiny", FILE);
    hub.throttle(Throttle.NONE.connection(MIB).latency(Duration.ofMillis(40)));
    double apart = sixteenTimes(at, MIB / 2);
    hub.throttle(Throttle.NONE.link(16 * MIB));
    double together = sixteenTimes(at, MIB / 2);

    // half a second on each plus latency; 8 MiB over a link of 16 MiB/s
    assertThat(apart).isBetween(0.50, 0.80);
    assertThat(together).isBetween(0.45, 0.75);
    assertThat(hub.mostConnections()).isGreaterThanOrEqualTo(16);
  }

  @Test
  void waitsBeforeEveryAnswer() throws Exception {
    hub.throttle(Throttle.NONE.latency(Duration.ofMillis(40)));

    double seconds =
        seconds(
            () -> {
              for (int i = 0; i < 5; i++) {
                calls.get("/api/models/flora/tiny");
              }
            });

    assertThat(seconds).isBetween(0.2, 0.5);
  }

  private double sixteenTimes(URI at, int bytes) throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      return seconds(
          () -> {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < 16; i++) {
              long from = (long) i * bytes % (3 * MIB);
              all.add(
                  threads.submit(
                      () -> calls.get(at, "bytes=" + from + "-" + (from + bytes - 1)).body()));
            }
            for (var one : all) {
              assertThat((byte[]) one.get()).hasSize(bytes);
            }
          });
    }
  }

  private interface Step {
    void run() throws Exception;
  }

  private static double seconds(Step step) throws Exception {
    long start = System.nanoTime();
    step.run();
    return (System.nanoTime() - start) / 1e9;
  }
}
