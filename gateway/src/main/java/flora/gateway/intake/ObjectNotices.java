package flora.gateway.intake;

import flora.schemas.Json;
import flora.schemas.store.StoreLayout;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * {@code object.events.v1} → intake. What a store tells of its objects comes late, twice or never:
 * it is a hint to look, nothing is read out of it but whether it may concern us.
 */
@Configuration(proxyBeanMethods = false)
class ObjectNotices {

  private static final Logger log = LoggerFactory.getLogger(ObjectNotices.class);
  private static final String INCOMING = StoreLayout.DATASETS + "/" + StoreLayout.INCOMING;

  /** Bound to the topic by name in {@code gateway.yml}. */
  @Bean
  Consumer<byte[]> objectEvents(Intake intake) {
    return notification -> {
      if (mayConcernUs(notification)) {
        intake.hint();
      }
    };
  }

  private static boolean mayConcernUs(byte[] notification) {
    try {
      var key = Json.read(notification, JsonNode.class).path("Key").asString("");
      return key.isEmpty() || key.startsWith(INCOMING);
    } catch (JacksonException e) {
      log.debug("a notification that is not JSON");
      return true;
    }
  }
}
