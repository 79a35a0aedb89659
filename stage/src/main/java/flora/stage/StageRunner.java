package flora.stage;

import org.springframework.context.SmartLifecycle;

/** Takes work while the application runs, and gives it back first when the application stops. */
final class StageRunner implements SmartLifecycle {

  private final WorkQueue queue;

  StageRunner(WorkQueue queue) {
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
