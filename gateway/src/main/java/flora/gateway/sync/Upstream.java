package flora.gateway.sync;

import flora.hub.HubClient;
import flora.hub.HubException;
import flora.hub.HubProperties;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.schemas.RepoReference;
import jakarta.annotation.PreDestroy;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;

/** Asks the hub what a revision stands for. */
@Component
@EnableConfigurationProperties(HubProperties.class)
class Upstream {

  private final HubClient hub;

  Upstream(HubProperties properties, Clock clock) {
    hub = new HubClient(properties.settings(), RetryPolicy.DEFAULT, clock);
  }

  /**
   * The commit.
   *
   * @throws HubException when the hub does not say
   */
  String commit(RepoReference reference) throws InterruptedException {
    return hub.commit(RepoType.MODEL, reference.repo(), reference.revision());
  }

  @PreDestroy
  void close() {
    hub.close();
  }
}
