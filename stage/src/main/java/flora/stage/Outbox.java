package flora.stage;

import java.util.Map;

/** Where records leave for Kafka. Thread-safe; keeps the order of one thread. */
@FunctionalInterface
public interface Outbox {

  /**
   * Sends a record and returns when all replicas have it.
   *
   * @throws SendFailed when they do not
   */
  void send(String topic, String key, Map<String, byte[]> headers, byte[] value);

  /** Kafka does not take a record; it waited for a while already. */
  final class SendFailed extends RuntimeException {
    SendFailed(String topic, Throwable cause) {
      super("Kafka does not take a record for " + topic, cause);
    }
  }
}
