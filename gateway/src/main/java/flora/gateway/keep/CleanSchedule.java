package flora.gateway.keep;

import flora.gateway.GatewayProperties;
import flora.schemas.PipelineException;
import java.time.Clock;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.scheduling.support.CronExpression;
import org.springframework.stereotype.Component;

/** Cleans up when the cron says so, if there is a quota. */
@Component
final class CleanSchedule implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(CleanSchedule.class);

  /** Clocks are set and machines sleep: the time is looked at again. */
  private static final Duration LONGEST_NAP = Duration.ofMinutes(1);

  private final Cleaner cleaner;
  private final Clock clock;
  private final GatewayProperties.Clean settings;
  private volatile Thread worker = Thread.ofVirtual().unstarted(() -> {});

  CleanSchedule(Cleaner cleaner, Clock clock, GatewayProperties properties) {
    this.cleaner = cleaner;
    this.clock = clock;
    settings = properties.clean();
  }

  @Override
  public void start() {
    if (settings.quota() != null && !settings.cron().equals("-")) {
      worker = Thread.ofVirtual().name("clean").start(this::work);
    }
  }

  @Override
  public void stop() {
    worker.interrupt();
  }

  @Override
  public boolean isRunning() {
    return worker.isAlive();
  }

  private void work() {
    var cron = CronExpression.parse(settings.cron());
    try {
      while (true) {
        var next = cron.next(clock.instant().atZone(settings.zone()));
        if (next == null) {
          return;
        }
        while (clock.instant().isBefore(next.toInstant())) {
          var left = Duration.between(clock.instant(), next.toInstant());
          Thread.sleep(left.compareTo(LONGEST_NAP) < 0 ? left : LONGEST_NAP);
        }
        clean();
      }
    } catch (InterruptedException e) {
      log.debug("no clean-up any more");
    }
  }

  private void clean() {
    try {
      cleaner.clean(false, null);
    } catch (PipelineException e) {
      log.warn("no clean-up this time: {}", e.getMessage());
    } catch (RuntimeException e) {
      log.error("the clean-up found what nobody foresaw", e);
    }
  }
}
