package flora.stage;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.springframework.boot.kafka.autoconfigure.KafkaProperties;
import org.springframework.kafka.core.DefaultShareConsumerFactory;

/** Opens this process's ends of work topics; each is a member of a share group of its own. */
public final class WorkQueues {

  private final StageProperties properties;
  private final Map<String, Object> admin;
  private final Map<String, Object> consumer;
  private final Outbox outbox;
  private final Clock clock;

  WorkQueues(StageProperties properties, KafkaProperties kafka, Outbox outbox, Clock clock) {
    this.properties = properties;
    this.admin = Map.copyOf(kafka.buildAdminProperties());
    var consuming = new HashMap<>(kafka.buildConsumerProperties());
    // share groups know none of these
    consuming.remove(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG);
    consuming.remove(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG);
    consuming.remove(ConsumerConfig.ISOLATION_LEVEL_CONFIG);
    this.consumer = Map.copyOf(consuming);
    this.outbox = outbox;
    this.clock = clock;
  }

  /**
   * This process's name among those that share a topic. What belongs to a name goes back to it at
   * once, so no two groups may have one in common.
   */
  public String worker(WorkTopic topic) {
    var given = properties.worker();
    return topic.group() + "-" + (given == null ? hostAndProcess() : given);
  }

  /** Gives a topic's records to a handler, one at a time, once it is started. */
  public QueueRunner runner(WorkTopic topic, RecordHandler handler) {
    var worker = worker(topic);
    var setup = new HashMap<>(admin);
    setup.put(AdminClientConfig.CLIENT_ID_CONFIG, worker + "-setup");
    return new QueueRunner(
        new WorkQueue(
            consumers(consumer),
            new SharedTopics(setup, properties.lock()),
            topic,
            handler,
            outbox,
            worker,
            properties.grace(),
            clock));
  }

  /** One record at a time, acknowledged by us alone. */
  static DefaultShareConsumerFactory<String, byte[]> consumers(Map<String, Object> properties) {
    var config = new HashMap<>(properties);
    config.put("share.acknowledgement.mode", "explicit");
    config.put("share.acquire.mode", "record_limit");
    config.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
    return new DefaultShareConsumerFactory<>(
        config, new StringDeserializer(), new ByteArrayDeserializer(), false);
  }

  private static String hostAndProcess() {
    return "%s-%d"
        .formatted(host(), ProcessHandle.current().pid())
        .replaceAll("[^A-Za-z0-9._-]", "-");
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName().toLowerCase(Locale.ROOT);
    } catch (UnknownHostException e) {
      return "localhost"; // a machine whose own name does not resolve
    }
  }
}
