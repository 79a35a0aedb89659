package flora.hub;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Call;
import okhttp3.Response;

/**
 * Until when an answer must have begun. What comes after its beginning may take longer: somebody
 * who sends is there.
 *
 * @param at of {@link System#nanoTime}
 * @param isSet whether there is one
 */
record Deadline(long at, boolean isSet) {

  static final Deadline NONE = new Deadline(0, false);

  static Deadline in(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos(), true);
  }

  /** Whether waiting so long is too long. */
  boolean isBefore(Duration wait) {
    return isSet && at - System.nanoTime() < wait.toNanos();
  }

  /** Makes the call, and breaks it off where it has no answer in time. */
  Response execute(Call call) throws IOException {
    if (!isSet) {
      return call.execute();
    }
    var isOver = new AtomicBoolean();
    var watch = Thread.ofVirtual().name("deadline").start(() -> breakOff(call, isOver));
    try {
      var response = call.execute();
      if (!isOver.compareAndSet(false, true)) {
        response.close();
        throw tooLate();
      }
      return response;
    } catch (IOException e) {
      throw isOver.get() ? tooLate() : e;
    } finally {
      watch.interrupt();
    }
  }

  private void breakOff(Call call, AtomicBoolean isOver) {
    try {
      Thread.sleep(Duration.ofNanos(Math.max(0, at - System.nanoTime())));
    } catch (InterruptedException e) {
      return;
    }
    if (isOver.compareAndSet(false, true)) {
      call.cancel();
    }
  }

  private static SocketTimeoutException tooLate() {
    return new SocketTimeoutException("no answer in time");
  }
}
