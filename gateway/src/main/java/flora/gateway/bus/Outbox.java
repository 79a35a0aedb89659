package flora.gateway.bus;

import flora.schemas.Json;
import flora.schemas.run.RunEvent;
import flora.schemas.work.Work;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Publishes work and notices, and returns when the broker has them. Thread-safe. */
@Component
public final class Outbox {

  private static final Logger log = LoggerFactory.getLogger(Outbox.class);

  /** How long a caller waits for a broker; who does not get through is taken care of later. */
  private static final Duration PATIENCE = Duration.ofSeconds(8);

  private final Producer<String, byte[]> producer;

  Outbox(KafkaClients clients) {
    producer =
        clients.producer(
            Map.of(
                ProducerConfig.CLIENT_ID_CONFIG,
                "gateway-outbox",
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                (int) PATIENCE.toMillis() / 2,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                (int) PATIENCE.toMillis() / 2,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                (int) PATIENCE.toMillis()));
  }

  /** Tells everybody; whether the broker has it. */
  public boolean tell(RunEvent event) {
    return send(Wire.write(event));
  }

  /** Asks for a stage; whether the broker has it. */
  public boolean ask(Work work) {
    return send(
        new ProducerRecord<>(work.stage().requests(), work.runId().value(), Json.bytes(work)));
  }

  private boolean send(ProducerRecord<String, byte[]> message) {
    try {
      producer.send(message).get(2 * PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException | TimeoutException | KafkaException e) {
      log.warn("{} of {} is not published: {}", message.topic(), message.key(), e.getMessage());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @PreDestroy
  void close() {
    producer.close(Duration.ofSeconds(2));
  }
}
