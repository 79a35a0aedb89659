package flora.stage;

import java.util.Map;
import org.springframework.cloud.stream.function.StreamBridge;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.MessagingException;
import org.springframework.messaging.support.MessageBuilder;

/** Sends through Spring Cloud Stream; {@code flora-stage.properties} makes its bindings wait. */
final class StreamOutbox implements Outbox {

  private final StreamBridge bridge;

  StreamOutbox(StreamBridge bridge) {
    this.bridge = bridge;
  }

  @Override
  public void send(String topic, String key, Map<String, byte[]> headers, byte[] value) {
    var message =
        MessageBuilder.withPayload(value)
            .copyHeaders(headers)
            .setHeader(KafkaHeaders.KEY, key)
            .build();
    try {
      if (!bridge.send(topic, message)) {
        throw new SendFailed(topic, new IllegalStateException("the binding refused it"));
      }
    } catch (MessagingException e) {
      throw new SendFailed(topic, e);
    }
  }
}
