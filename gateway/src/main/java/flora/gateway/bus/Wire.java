package flora.gateway.bus;

import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.RunEvent;
import flora.schemas.training.TrainingEvent;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/** Records of the event topics, in both directions; attributes of CloudEvents go in headers. */
public final class Wire {

  /** Partitions of every event topic and of {@code runs.v1}. */
  public static final int PARTITIONS = 12;

  private static final Logger log = LoggerFactory.getLogger(Wire.class);

  private static final Map<String, Class<? extends Event>> FAMILIES =
      Map.of(
          Topics.RUN_EVENTS, RunEvent.class,
          Topics.FETCH_EVENTS, FetchEvent.class,
          Topics.LABEL_EVENTS, LabelEvent.class,
          Topics.TRAINING_EVENTS, TrainingEvent.class);

  private Wire() {}

  /** The partition that a run's records lie in, in every topic that is keyed by run. */
  public static int partition(RunId run) {
    // as Kafka's own partitioner does for a key
    var key = run.value().getBytes(StandardCharsets.UTF_8);
    return Utils.toPositive(Utils.murmur2(key)) % PARTITIONS;
  }

  /** An event from its record; empty, and a line in the log, when it cannot be read. */
  public static Optional<Event> read(ConsumerRecord<String, byte[]> message) {
    var family = FAMILIES.get(message.topic());
    if (family == null || message.value() == null) {
      return Optional.empty();
    }
    try {
      var event = Json.read(message.value(), family);
      // a foreign record may lack what ours always have
      if (event.runId() != null
          && event.at() != null
          && event.runId().value().equals(message.key())) {
        return Optional.of(event);
      }
      log.warn("{} is passed over: its key is not its run", place(message));
    } catch (JacksonException e) {
      log.warn("{} is passed over: {}", place(message), e.getOriginalMessage());
    }
    return Optional.empty();
  }

  /** The record of an event that concerns a whole run. */
  public static ProducerRecord<String, byte[]> write(RunEvent event) {
    var payload = Json.bytes(event);
    var out = new ProducerRecord<>(Topics.RUN_EVENTS, event.runId().value(), payload);
    header(out, "ce_specversion", "1.0");
    header(out, "ce_id", id(Topics.RUN_EVENTS, event));
    header(out, "ce_type", "io.flora." + family(Topics.RUN_EVENTS) + "." + type(event) + ".v1");
    header(out, "ce_source", "/flora/gateway");
    header(out, "ce_time", event.at().toString());
    header(out, "content-type", "application/json");
    return out;
  }

  /** Whom a topic's events are about: {@code run}, {@code fetch}, {@code label}, {@code train}. */
  public static String family(String topic) {
    return Arrays.stream(Stage.values())
        .filter(stage -> stage.events().equals(topic))
        .map(Stage::id)
        .findFirst()
        .orElse("run");
  }

  /** What tells an event from every other one, the same each time that it is said. */
  public static String id(ConsumerRecord<String, byte[]> message, Event event) {
    var given = header(message, "ce_id");
    return given == null ? id(message.topic(), event) : given;
  }

  private static String id(String topic, Event event) {
    return "%s/%s/%d/%d".formatted(event.runId(), family(topic), event.attempt(), event.seq());
  }

  private static String type(RunEvent event) {
    return switch (event) {
      case RunEvent.Submitted _ -> "submitted";
      case RunEvent.CancelRequested _ -> "cancel_requested";
      case RunEvent.ControlChanged _ -> "control_changed";
      case RunEvent.Failed _ -> "failed";
    };
  }

  private static @Nullable String header(ConsumerRecord<String, byte[]> message, String name) {
    var header = message.headers().lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  private static void header(ProducerRecord<String, byte[]> out, String name, String value) {
    out.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
  }

  private static String place(ConsumerRecord<String, byte[]> message) {
    return "record %s-%d@%d".formatted(message.topic(), message.partition(), message.offset());
  }
}
