package flora.gateway.run;

import flora.gateway.bus.KafkaClients;
import flora.gateway.bus.Wire;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Topics;
import flora.schemas.run.Run;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;

/** Every run as {@code runs.v1} last told it, in memory; ready once it has caught up. */
@Component
public final class RunView implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(RunView.class);
  private static final Duration POLL = Duration.ofMillis(500);

  private final KafkaClients clients;
  private final Map<RunId, Run> runs = new ConcurrentHashMap<>();
  private volatile boolean running;
  private volatile boolean caughtUp;
  private volatile @Nullable KafkaConsumer<String, byte[]> consumer;
  private @Nullable Thread reader;

  RunView(KafkaClients clients) {
    this.clients = clients;
  }

  /** Whether everything that was there at start has been read. */
  public boolean isCaughtUp() {
    return caughtUp;
  }

  /** A run, if its record has come. */
  public Optional<Run> get(RunId id) {
    return Optional.ofNullable(runs.get(id));
  }

  /** Whether a run's submission was heard of; other events may come before it. */
  public boolean isAnnounced(RunId id) {
    return get(id).map(run -> run.request() != null).orElse(false);
  }

  /** All runs that are known. */
  public Collection<Run> all() {
    return List.copyOf(runs.values());
  }

  /** Shows a run that was just accepted, until its record comes. */
  void expect(Run run) {
    runs.putIfAbsent(run.id(), run);
  }

  @Override
  public void start() {
    running = true;
    reader = Thread.ofPlatform().name("run-view").daemon().start(this::read);
  }

  @Override
  public void stop() {
    running = false;
    var current = consumer;
    if (current != null) {
      current.wakeup();
    }
    try {
      if (reader != null) {
        reader.join(Duration.ofSeconds(5));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  private void read() {
    while (running) {
      try (var reading = clients.consumer(Map.of(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 2000))) {
        consumer = reading;
        follow(reading);
      } catch (WakeupException e) {
        return;
      } catch (KafkaException e) {
        log.warn("runs are not read, trying again: {}", e.getMessage());
        pause();
      } finally {
        consumer = null;
      }
    }
  }

  private void follow(KafkaConsumer<String, byte[]> reading) {
    var partitions =
        IntStream.range(0, Wire.PARTITIONS)
            .mapToObj(p -> new TopicPartition(Topics.RUNS, p))
            .toList();
    reading.assign(partitions);
    reading.seekToBeginning(partitions);
    var end = reading.endOffsets(partitions);
    while (running) {
      for (var message : reading.poll(POLL)) {
        apply(message.key(), message.value());
      }
      if (!caughtUp && end.entrySet().stream().allMatch(e -> passed(reading, e))) {
        caughtUp = true;
        log.info("knows {} runs", runs.size());
      }
    }
  }

  private static boolean passed(
      KafkaConsumer<String, byte[]> reading, Map.Entry<TopicPartition, Long> end) {
    return reading.position(end.getKey()) >= end.getValue();
  }

  private void apply(String key, byte @Nullable [] value) {
    try {
      if (value == null) {
        runs.remove(new RunId(key));
      } else {
        var run = Json.read(value, Run.class);
        runs.put(run.id(), run);
      }
    } catch (JacksonException | IllegalArgumentException e) {
      log.warn("the record of {} is passed over: {}", key, e.getMessage());
    }
  }

  private static void pause() {
    try {
      Thread.sleep(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
