package flora.stage;

import org.springframework.context.SmartLifecycle;

/** Takes work while the application runs, and gives it back first when the application stops. */
public final class QueueRunner implements SmartLifecycle {

  private final WorkQueue queue;

  QueueRunner(WorkQueue queue) {
    this.queue = queue;
  }

  @Override
  public void start() {
    queue.start();
  }

  @Override
  public void stop() {
    queue.close();
  }

  @Override
  public boolean isRunning() {
    return queue.isRunning();
  }
}
