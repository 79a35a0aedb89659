package flora.gateway.projection;

import flora.gateway.bus.KafkaClients;
import flora.gateway.bus.Wire;
import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Topics;
import flora.schemas.run.Run;
import flora.schemas.run.RunJoin;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One life of the projection: from joining the group to the first thing that goes wrong. */
final class ProjectionSession implements ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(ProjectionSession.class);
  private static final Duration POLL = Duration.ofMillis(500);

  private final KafkaClients clients;
  private final KafkaConsumer<String, byte[]> consumer;
  private final KafkaProducer<String, byte[]> producer;
  private final Consumer<Set<Integer>> owned;
  private final Map<Integer, Map<RunId, Run>> states = new HashMap<>();

  ProjectionSession(
      KafkaClients clients,
      KafkaConsumer<String, byte[]> consumer,
      KafkaProducer<String, byte[]> producer,
      Consumer<Set<Integer>> owned) {
    this.clients = clients;
    this.consumer = consumer;
    this.producer = producer;
    this.owned = owned;
    consumer.subscribe(Projection.topics(), this);
  }

  void wakeup() {
    consumer.wakeup();
  }

  /** Takes what has come, joins it, and commits records and offsets together. */
  // the commit fails when one of the records does
  @SuppressWarnings("FutureReturnValueIgnored")
  void step() {
    var messages = consumer.poll(POLL);
    if (messages.isEmpty()) {
      return;
    }
    var changed = join(messages);
    producer.beginTransaction();
    changed.values().forEach(run -> producer.send(record(run)));
    var offsets = new HashMap<TopicPartition, OffsetAndMetadata>(messages.nextOffsets());
    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    producer.commitTransaction();
    changed.values().forEach(run -> state(Wire.partition(run.id())).put(run.id(), run));
  }

  /** The runs that these events change. */
  private Map<RunId, Run> join(ConsumerRecords<String, byte[]> messages) {
    var changed = new LinkedHashMap<RunId, Run>();
    for (var message : messages) {
      Wire.read(message)
          .ifPresent(
              event -> {
                var id = event.runId();
                var known =
                    changed.getOrDefault(
                        id, state(message.partition()).getOrDefault(id, RunJoin.empty(id)));
                var joined = join(known, event);
                if (!joined.equals(known)) {
                  changed.put(id, joined);
                }
              });
    }
    return changed;
  }

  /** An event that makes no sense is passed over: it would come again for ever. */
  private static Run join(Run known, Event event) {
    try {
      return RunJoin.join(known, event);
    } catch (RuntimeException e) {
      log.error("an event of {} is passed over", known.id(), e);
      return known;
    }
  }

  private Map<RunId, Run> state(int partition) {
    return states.computeIfAbsent(partition, _ -> new HashMap<>());
  }

  private static ProducerRecord<String, byte[]> record(Run run) {
    return new ProducerRecord<>(
        Topics.RUNS, Wire.partition(run.id()), run.id().value(), Json.bytes(run));
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    var fresh = new TreeSet<Integer>();
    partitions.forEach(p -> fresh.add(p.partition()));
    fresh.removeAll(states.keySet());
    restore(fresh);
    owned.accept(Set.copyOf(states.keySet()));
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    partitions.forEach(p -> states.remove(p.partition()));
    owned.accept(Set.copyOf(states.keySet()));
  }

  /**
   * Reads the state of some partitions back from {@code runs.v1}: up to the end that uncommitted
   * readers see, so that a transaction that a dead predecessor left open is waited for.
   */
  private void restore(Set<Integer> partitions) {
    if (partitions.isEmpty()) {
      return;
    }
    var start = System.nanoTime();
    var topics = partitions.stream().map(p -> new TopicPartition(Topics.RUNS, p)).toList();
    var end = clients.ends(topics);
    partitions.forEach(p -> states.put(p, new HashMap<>()));
    try (var reading = clients.consumer(Map.of(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 5000))) {
      reading.assign(topics);
      reading.seekToBeginning(topics);
      while (end.entrySet().stream().anyMatch(e -> reading.position(e.getKey()) < e.getValue())) {
        for (var message : reading.poll(Duration.ofMillis(100))) {
          restore(message.partition(), message.key(), message.value());
        }
      }
    }
    log.info(
        "joins the events of partitions {}: {} runs read back in {} ms",
        partitions,
        partitions.stream().mapToInt(p -> state(p).size()).sum(),
        (System.nanoTime() - start) / 1_000_000);
  }

  private void restore(
      int partition, String key, byte @org.jspecify.annotations.Nullable [] value) {
    var id = new RunId(key);
    if (value == null) {
      state(partition).remove(id);
    } else {
      state(partition).put(id, Json.read(value, Run.class));
    }
  }
}
