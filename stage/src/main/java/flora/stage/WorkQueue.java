package flora.stage;

import flora.stage.RecordHandler.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.core.ShareConsumerFactory;

/**
 * One worker's end of a work topic: a member of its share group that holds one record at a time.
 *
 * <p>The record's lock is renewed every third of its length, each time with a commit of its own,
 * since a renewal that waits for the next poll leads to doubles. A record that was renewed comes
 * back with the next poll and is known by its offset. When the lock is lost all the same, the work
 * is stopped: another worker has the record. On closing the work is stopped and the record given
 * back, so that another takes it over at once.
 *
 * <p>A consumer that has lost a lock is given up for a new one. Kafka's client sends a renewal only
 * while the partition is in its session: when the broker was away for a while it is not, nothing is
 * sent, the commit has no answer and no error, and the client waits from then on for the renewal
 * and hands out no record any more.
 */
final class WorkQueue implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(WorkQueue.class);

  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** Work that does not stop when told to: another is not begun beside it for this long. */
  private static final Duration STUBBORN = Duration.ofMinutes(10);

  private final ShareConsumerFactory<String, byte[]> consumers;
  private final SharedTopics topics;
  private final WorkTopic topic;
  private final RecordHandler handler;
  private final Outbox outbox;
  private final String name;
  private final Duration grace;
  private final InstantSource clock;
  private final Thread thread;
  private volatile boolean closing;
  private volatile @Nullable Instant closeBy;
  private volatile @Nullable Job job;

  /**
   * @param name of this worker
   * @param grace how long closing waits for work to stop
   */
  WorkQueue(
      ShareConsumerFactory<String, byte[]> consumers,
      SharedTopics topics,
      WorkTopic topic,
      RecordHandler handler,
      Outbox outbox,
      String name,
      Duration grace,
      InstantSource clock) {
    this.consumers = consumers;
    this.topics = topics;
    this.topic = topic;
    this.handler = handler;
    this.outbox = outbox;
    this.name = name;
    this.grace = grace;
    this.clock = clock;
    this.thread = Thread.ofPlatform().name("queue-" + topic.name()).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  boolean isRunning() {
    return thread.isAlive();
  }

  @Override
  public void close() {
    closeBy = clock.instant().plus(grace);
    closing = true;
    var current = job;
    if (current != null) {
      current.delivery.stop(Delivery.Stop.SHUTDOWN);
    }
    try {
      thread.join(grace.plus(grace));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    while (!closing) {
      try {
        int limit = topics.prepare(topic.group());
        try (var consumer = consumers.createShareConsumer(topic.group(), name)) {
          consumer.subscribe(List.of(topic.topic()));
          take(consumer, limit);
        }
      } catch (KafkaException | Outbox.SendFailed e) {
        log.warn("Kafka is away: {}", e.toString());
        abandon(Delivery.Stop.LOCK_LOST);
        pause();
      } catch (RuntimeException e) {
        // a worker that lives and takes no work would be worse: the record comes back by its lock
        log.error("the queue begins anew", e);
        abandon(Delivery.Stop.LOCK_LOST);
        pause();
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Returns when closing, or when the consumer has lost a lock and is not to be used any more. */
  private void take(ShareConsumer<String, byte[]> consumer, int limit) throws InterruptedException {
    while (!closing || job != null) {
      var records = consumer.poll(POLL);
      if (records.isEmpty() && job != null && job.isOverdue(clock.instant())) {
        log.warn("the lock of offset {} ran out", job.delivery.record().offset());
        abandon(Delivery.Stop.LOCK_LOST);
        return;
      }
      for (var record : records) {
        var lock =
            Duration.ofMillis(
                consumer.acquisitionLockTimeoutMs().orElse((int) topics.lock().toMillis()));
        if (!settle(consumer, record, lock, limit)) {
          return;
        }
      }
    }
  }

  /** Returns whether the consumer can still be used. */
  private boolean settle(
      ShareConsumer<String, byte[]> consumer,
      ConsumerRecord<String, byte[]> record,
      Duration lock,
      int limit)
      throws InterruptedException {
    var current = job;
    if (current != null && !current.isFor(record)) {
      log.warn("another record came, so the lock of the one before is lost");
      abandon(Delivery.Stop.LOCK_LOST);
      current = null;
    }
    if (current == null) {
      current = closing ? null : begin(record, limit);
    }
    var outcome = current == null ? Optional.of(Outcome.GIVE_BACK) : await(current, lock);
    var answer = answer(record, current, outcome);
    consumer.acknowledge(record, answer);
    var refused = refusal(consumer.commitSync());
    if (answer != AcknowledgeType.RENEW) {
      job = null;
      refused.ifPresent(why -> log.warn("offset {} may come again: {}", record.offset(), why));
    } else if (refused.isPresent()) {
      log.warn("the lock of offset {} is lost: {}", record.offset(), refused.get());
      abandon(Delivery.Stop.LOCK_LOST);
      return false;
    } else if (current != null) {
      current.lockedUntil = clock.instant().plus(lock);
    }
    return true;
  }

  /** Why an acknowledgement did not get through, if so; no answer at all is no success either. */
  private static Optional<String> refusal(Map<TopicIdPartition, Optional<KafkaException>> answers) {
    if (answers.isEmpty()) {
      return Optional.of("the session with the broker has ended");
    }
    return answers.values().stream().flatMap(Optional::stream).findFirst().map(Object::toString);
  }

  private AcknowledgeType answer(
      ConsumerRecord<String, byte[]> record, @Nullable Job current, Optional<Outcome> outcome) {
    if (outcome.isEmpty()) {
      return AcknowledgeType.RENEW;
    }
    return switch (outcome.get()) {
      case DONE -> AcknowledgeType.ACCEPT;
      case GIVE_BACK -> {
        if (current != null && current.delivery.isWorn()) {
          askAnew(record);
          yield AcknowledgeType.ACCEPT;
        }
        yield AcknowledgeType.RELEASE;
      }
    };
  }

  /** Restarts of workers are no fault of the record: before they use it up it becomes a new one. */
  private void askAnew(ConsumerRecord<String, byte[]> record) {
    var headers = new LinkedHashMap<String, byte[]>();
    record.headers().forEach(h -> headers.put(h.key(), h.value()));
    outbox.send(record.topic(), record.key(), headers, record.value());
  }

  private Job begin(ConsumerRecord<String, byte[]> record, int limit) {
    var started = new Job(new Delivery(record, limit), handler);
    job = started;
    if (closing) {
      started.delivery.stop(Delivery.Stop.SHUTDOWN);
    }
    return started;
  }

  /** Waits until the work is done or its lock needs to be renewed; gives up when closing is due. */
  private Optional<Outcome> await(Job current, Duration lock) throws InterruptedException {
    var due = clock.instant().plus(lock.dividedBy(3));
    while (true) {
      var outcome = current.await(Duration.ofMillis(50));
      if (outcome.isPresent()) {
        return outcome;
      }
      var now = clock.instant();
      var end = closeBy;
      if (end != null && now.isAfter(end)) {
        log.warn("the work does not stop; its record is given back all the same");
        return Optional.of(Outcome.GIVE_BACK);
      }
      if (now.isAfter(due)) {
        return Optional.empty();
      }
    }
  }

  /** The work is not ours any more: stops it and waits until it has stopped. */
  private void abandon(Delivery.Stop why) {
    var current = job;
    if (current == null) {
      return;
    }
    job = null;
    current.delivery.stop(why);
    try {
      if (current.await(STUBBORN).isEmpty()) {
        log.error("work that was to stop still goes on after {}", STUBBORN);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A record and the thread that works on it. */
  private static final class Job {

    final Delivery delivery;
    private final FutureTask<Outcome> task;
    private volatile Instant lockedUntil = Instant.MAX;

    Job(Delivery delivery, RecordHandler handler) {
      this.delivery = delivery;
      this.task =
          new FutureTask<>(
              () -> {
                delivery.begin();
                return handler.handle(delivery);
              });
      Thread.ofPlatform().name("work").daemon().start(task);
    }

    boolean isFor(ConsumerRecord<?, ?> record) {
      var mine = delivery.record();
      return mine.partition() == record.partition() && mine.offset() == record.offset();
    }

    boolean isOverdue(Instant now) {
      return now.isAfter(lockedUntil);
    }

    Optional<Outcome> await(Duration time) throws InterruptedException {
      try {
        return Optional.of(task.get(time.toMillis(), TimeUnit.MILLISECONDS));
      } catch (TimeoutException e) {
        return Optional.empty();
      } catch (ExecutionException e) {
        log.error("the record goes back to the queue", e.getCause());
        return Optional.of(Outcome.GIVE_BACK);
      }
    }
  }
}
