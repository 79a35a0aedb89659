package flora.labeler;

import flora.labeler.caption.Captioner;
import flora.schemas.Sha256;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The models of this process. Only one part of a labelling is computed at a time, whoever asked for
 * it: two would only get in each other's way. What was used last stays open for a while.
 */
final class Captioners {

  private static final Duration IDLE = Duration.ofSeconds(20);
  private static final long LOOK_MILLIS = 200;

  private final Semaphore permit = new Semaphore(1, true);
  private @Nullable Captioner captioner;
  private @Nullable Sha256 recipe;
  private long uses;

  /** The right to compute. */
  final class Turn implements AutoCloseable {

    /** The models of a recipe, opened unless they are. */
    Captioner captioner(Sha256 wanted, Supplier<Captioner> open) {
      var there = captioner;
      if (there != null && wanted.equals(recipe)) {
        return there;
      }
      drop();
      var opened = open.get();
      captioner = opened;
      recipe = wanted;
      return opened;
    }

    /** Closes what is open. */
    void drop() {
      var there = captioner;
      captioner = null;
      recipe = null;
      if (there != null) {
        there.close();
      }
    }

    @Override
    public void close() {
      long now = ++uses;
      boolean open = captioner != null;
      permit.release();
      if (open) {
        Thread.ofVirtual().name("idle-models").start(() -> dropAfterIdle(now));
      }
    }
  }

  /**
   * Waits for the right to compute.
   *
   * @param proceed called meanwhile; throws to stop
   */
  Turn turn(Runnable proceed) throws InterruptedException {
    while (!permit.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      proceed.run();
    }
    return new Turn();
  }

  /** Closes what is open, unless somebody computes with it; then it is closed later. */
  void dropUnlessUsed() {
    if (permit.tryAcquire()) {
      try {
        new Turn().drop();
      } finally {
        permit.release();
      }
    }
  }

  private void dropAfterIdle(long use) {
    try {
      Thread.sleep(IDLE);
      permit.acquire();
    } catch (InterruptedException e) {
      return;
    }
    try {
      if (use == uses) {
        new Turn().drop();
      }
    } finally {
      permit.release();
    }
  }
}
