package flora.stage;

import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.springframework.kafka.support.KafkaHeaderMapper;
import org.springframework.messaging.MessageHeaders;

/**
 * Headers as bytes, so that every client reads them as plain text: Spring's own mapper writes JSON
 * and headers of its own.
 */
final class PlainHeaders implements KafkaHeaderMapper {

  @Override
  public void fromHeaders(MessageHeaders headers, Headers target) {
    headers.forEach(
        (name, value) -> {
          if (value instanceof byte[] bytes) {
            target.add(name, bytes);
          }
        });
  }

  @Override
  public void toHeaders(Headers source, Map<String, Object> target) {
    source.forEach(header -> target.put(header.key(), header.value()));
  }
}
