package flora.gateway.bus;

import flora.schemas.Topics;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.kafka.autoconfigure.KafkaProperties;
import org.springframework.stereotype.Component;

/** Makes Kafka clients: address and credentials from {@code spring.kafka}, the rest by purpose. */
@Component
public final class KafkaClients {

  private static final Logger log = LoggerFactory.getLogger(KafkaClients.class);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final KafkaProperties properties;

  KafkaClients(KafkaProperties properties) {
    this.properties = properties;
    createTopics();
  }

  /** A reader of committed records with text keys. */
  public KafkaConsumer<String, byte[]> consumer(Map<String, Object> purpose) {
    var config = new HashMap<String, Object>(properties.buildConsumerProperties());
    config.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    config.putAll(purpose);
    return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
  }

  /** A writer that waits for every replica and never writes twice. */
  public KafkaProducer<String, byte[]> producer(Map<String, Object> purpose) {
    var config = new HashMap<String, Object>(properties.buildProducerProperties());
    config.put(ProducerConfig.ACKS_CONFIG, "all");
    config.put(ProducerConfig.LINGER_MS_CONFIG, 0);
    config.putAll(purpose);
    return new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
  }

  /** For questions about the cluster. */
  public Admin admin() {
    return Admin.create(properties.buildAdminProperties());
  }

  /** Where partitions end, transactions that are still open included. */
  public Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
    var wanted = new HashMap<TopicPartition, OffsetSpec>();
    partitions.forEach(p -> wanted.put(p, OffsetSpec.latest()));
    try (var admin = admin()) {
      var ends = new HashMap<TopicPartition, Long>();
      admin
          .listOffsets(wanted, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED))
          .all()
          .get()
          .forEach((partition, found) -> ends.put(partition, found.offset()));
      return ends;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException known ? known : new KafkaException(e);
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    }
  }

  /** Whoever comes first creates the topics; waits for a broker that is not up yet. */
  private void createTopics() {
    var topics =
        Topics.all().stream()
            .map(
                t ->
                    new NewTopic(t.name(), Optional.of(t.partitions()), Optional.empty())
                        .configs(t.config()))
            .toList();
    try (var admin = admin()) {
      for (var created : admin.createTopics(topics).values().entrySet()) {
        try {
          created.getValue().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
          log.info("created topic {}", created.getKey());
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof TopicExistsException)) {
            throw new IllegalStateException("cannot create topic " + created.getKey(), e);
          }
        }
      }
    } catch (TimeoutException e) {
      throw new IllegalStateException("Kafka does not answer: check that it runs", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the topics were created", e);
    }
  }
}
