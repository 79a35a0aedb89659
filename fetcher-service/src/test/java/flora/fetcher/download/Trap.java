package flora.fetcher.download;

import flora.store.ObjectStoreException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Where a fetching instance stops: at the n-th step that matches, and with it every other thread
 * that asks the store for anything from then on, as when its process is stopped there. What was
 * being asked at that moment still reaches the store.
 */
final class Trap implements ObservedStore.Observer {

  /** What becomes of those who are caught. */
  enum Fate {
    /** They never hear of the store again. */
    DEATH,
    /** They wait until the trap opens. */
    SLEEP
  }

  private final Predicate<ObservedStore.Step> where;
  private final Fate fate;
  private final AtomicInteger left;
  private final CountDownLatch sprung = new CountDownLatch(1);
  private final CountDownLatch opened = new CountDownLatch(1);

  Trap(Predicate<ObservedStore.Step> where, int nth, Fate fate) {
    this.where = where;
    this.left = new AtomicInteger(nth);
    this.fate = fate;
  }

  /** Where an operation on a key that ends with this is about to begin, or has just ended. */
  static Predicate<ObservedStore.Step> on(boolean isBefore, String operation, String keyEnd) {
    return step ->
        step.isBefore() == isBefore
            && step.operation().equals(operation)
            && step.key().endsWith(keyEnd);
  }

  @Override
  public void at(ObservedStore.Step step) {
    if (sprung.getCount() > 0 && where.test(step) && left.decrementAndGet() == 0) {
      sprung.countDown();
    }
    if (sprung.getCount() == 0) {
      caught();
    }
  }

  private void caught() {
    switch (fate) {
      case DEATH -> throw new ObjectStoreException.Rejected("dead", null);
      case SLEEP -> {
        boolean interrupted = false;
        while (opened.getCount() > 0) {
          try {
            opened.await();
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  boolean hasSprung() {
    return sprung.getCount() == 0;
  }

  void awaitSprung() throws InterruptedException {
    sprung.await();
  }

  void open() {
    opened.countDown();
  }
}
