package flora.gateway.progress;

import flora.gateway.bus.KafkaClients;
import flora.gateway.bus.Wire;
import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Topics;
import flora.schemas.run.Run;
import flora.schemas.run.RunJoin;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** The events of one run, read from their topics by a reader of its own. Not thread-safe. */
final class RunEvents implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(500);

  /** Clocks of different machines differ by less than this. */
  private static final Duration SKEW = Duration.ofMinutes(2);

  /** How much is said again of the other topics after a client comes back. */
  private static final Duration OVERLAP = Duration.ofSeconds(5);

  private final KafkaConsumer<String, byte[]> consumer;
  private final RunId id;
  private final List<TopicPartition> partitions;
  private final Set<String> said = new HashSet<>();
  private Run run;

  /** One event as it goes out. */
  record Said(String id, String name, String json, String topic, Instant at) {}

  RunEvents(KafkaClients clients, Run run) {
    id = run.id();
    this.run = RunJoin.empty(id);
    partitions =
        Topics.events().stream().map(t -> new TopicPartition(t, Wire.partition(id))).toList();
    consumer = clients.consumer(Map.of());
    consumer.assign(partitions);
    seek(run.createdAt());
  }

  /** Nothing of a run is older than the run. */
  private void seek(@Nullable Instant created) {
    if (created == null) {
      consumer.seekToBeginning(partitions);
      return;
    }
    var times = new HashMap<TopicPartition, Long>();
    partitions.forEach(p -> times.put(p, created.minus(SKEW).toEpochMilli()));
    consumer
        .offsetsForTimes(times)
        .forEach(
            (partition, found) -> {
              if (found == null) {
                consumer.seekToEnd(List.of(partition));
              } else {
                consumer.seek(partition, found.offset());
              }
            });
  }

  /**
   * Everything until now, in the order it happened.
   *
   * @param last the last event that the client has seen; null or unknown = from the beginning
   */
  List<Said> replay(@Nullable String last) {
    var end = consumer.endOffsets(partitions);
    var all = new ArrayList<Said>();
    while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
      all.addAll(next());
    }
    // one topic's events stay in their order, whatever the clocks say
    all.sort(Comparator.comparing(Said::at));
    return after(all, last);
  }

  private static List<Said> after(List<Said> all, @Nullable String last) {
    var seen = all.stream().filter(e -> e.id().equals(last)).findFirst();
    if (seen.isEmpty()) {
      return all;
    }
    var known = seen.get();
    var place = all.indexOf(known);
    return all.stream()
        .filter(
            e ->
                e.topic().equals(known.topic())
                    ? all.indexOf(e) > place
                    : e.at().isAfter(known.at().minus(OVERLAP)))
        .toList();
  }

  /** What has come since; waits a moment for it. Says nothing twice. */
  List<Said> next() {
    var news = new ArrayList<Said>();
    for (var message : consumer.poll(POLL)) {
      if (id.value().equals(message.key())) {
        Wire.read(message).ifPresent(event -> add(message, event, news));
      }
    }
    return news;
  }

  private void add(ConsumerRecord<String, byte[]> message, Event event, List<Said> news) {
    var eventId = Wire.id(message, event);
    var json = new String(message.value(), StandardCharsets.UTF_8);
    var type = type(json);
    if (said.add(eventId + " " + type)) {
      run = RunJoin.join(run, event);
      var name = Wire.family(message.topic()) + "." + type;
      news.add(new Said(eventId, name, json, message.topic(), event.at()));
    }
  }

  private static String type(String json) {
    try {
      return Json.mapper().readValue(json, JsonNode.class).path("type").asString("");
    } catch (JacksonException e) {
      return "";
    }
  }

  /** Whether the run has ended. */
  boolean isOver() {
    return run.status().isTerminal();
  }

  @Override
  public void close() {
    consumer.close();
  }
}
