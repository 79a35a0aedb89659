package flora.stage;

import flora.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;

/** Makes the topics and sets up the share group before a worker first polls. Idempotent. */
final class SharedTopics {

  private static final String LIMIT = "group.share.delivery.count.limit";

  /** Kafka's own default, when the broker does not tell. */
  private static final int DEFAULT_LIMIT = 5;

  private final Map<String, Object> client;
  private final Duration lock;

  /**
   * @param client how to reach Kafka
   * @param lock how long a worker holds a record without renewing
   */
  SharedTopics(Map<String, Object> client, Duration lock) {
    this.client = Map.copyOf(client);
    this.lock = lock;
  }

  Duration lock() {
    return lock;
  }

  /** Returns how often a record is delivered before Kafka drops it. */
  int prepare(String group) throws InterruptedException {
    try (var admin = Admin.create(client)) {
      create(admin);
      // a group that has never polled would begin at the end and miss the work that waits
      alter(
          admin,
          group,
          Map.of(
              "share.auto.offset.reset",
              "earliest",
              "share.record.lock.duration.ms",
              Long.toString(lock.toMillis())));
      return limit(admin);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException known ? known : new KafkaException(e);
    }
  }

  private static void create(Admin admin) throws InterruptedException, ExecutionException {
    var there = admin.listTopics().names().get();
    var missing =
        Topics.all().stream()
            .filter(t -> !there.contains(t.name()))
            .map(
                t ->
                    new NewTopic(t.name(), Optional.of(t.partitions()), Optional.empty())
                        .configs(t.config()))
            .toList();
    for (var created : admin.createTopics(missing).values().values()) {
      try {
        created.get();
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw e; // another service was faster, or something is wrong
        }
      }
    }
  }

  private static void alter(Admin admin, String group, Map<String, String> values)
      throws InterruptedException, ExecutionException {
    var ops =
        values.entrySet().stream()
            .map(
                v ->
                    new AlterConfigOp(
                        new ConfigEntry(v.getKey(), v.getValue()), AlterConfigOp.OpType.SET))
            .collect(Collectors.toList());
    admin
        .incrementalAlterConfigs(
            Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), ops),
            new AlterConfigsOptions())
        .all()
        .get();
  }

  private static int limit(Admin admin) throws InterruptedException, ExecutionException {
    var node = admin.describeCluster().nodes().get().iterator().next();
    var broker = new ConfigResource(ConfigResource.Type.BROKER, node.idString());
    var config = admin.describeConfigs(List.of(broker)).all().get().get(broker);
    var entry = config == null ? null : config.get(LIMIT);
    return entry == null || entry.value() == null ? DEFAULT_LIMIT : Integer.parseInt(entry.value());
  }
}
