package flora.stage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.LinkedHashMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** Keeps the records that nobody could work on: the record as it was, and why. */
public final class DeadLetters {

  static final String REASON = "flora_reason";
  static final String TOPIC = "flora_topic";
  static final String OFFSET = "flora_offset";
  static final String DELIVERIES = "flora_deliveries";

  private final Outbox outbox;
  private final String topic;

  /**
   * A place for them.
   *
   * @param topic where they go
   */
  public DeadLetters(Outbox outbox, String topic) {
    this.outbox = outbox;
    this.topic = topic;
  }

  /** Returns when the broker has it. */
  public void write(ConsumerRecord<@Nullable String, byte[]> record, String reason) {
    var headers = new LinkedHashMap<String, byte[]>();
    record.headers().forEach(h -> headers.put(h.key(), h.value()));
    headers.put(REASON, reason.getBytes(UTF_8));
    headers.put(TOPIC, record.topic().getBytes(UTF_8));
    headers.put(OFFSET, Long.toString(record.offset()).getBytes(UTF_8));
    headers.put(
        DELIVERIES, record.deliveryCount().map(Object::toString).orElse("").getBytes(UTF_8));
    var key = record.key();
    outbox.send(topic, key == null ? "" : key, headers, record.value());
  }
}
