package flora.gateway.model;

import flora.gateway.GatewayProperties;
import flora.hub.HubProperties;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.Forecast;
import flora.hub.plan.Planner;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the gateway itself knows of hubs. None of it asks anybody before somebody asks here. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({HubProperties.class, MirrorProperties.class})
class HubConfiguration {

  /** Somebody waits for the answer: two attempts are enough. */
  private static final RetryPolicy QUICK =
      new RetryPolicy(2, Duration.ofMillis(300), Duration.ofSeconds(5));

  @Bean(initMethod = "start", destroyMethod = "close")
  Mirrors mirrors(HubProperties hub, MirrorProperties mirrors, ObjectStore store, Clock clock) {
    return new Mirrors(mirrors, hub.settings(), System::getenv, store, clock, QUICK);
  }

  @Bean
  Archive archive(ObjectStore store) {
    return new Archive(store);
  }

  @Bean
  Plans plans(Mirrors mirrors, Archive archive, GatewayProperties properties) {
    return new Plans(
        new Planner(mirrors::locate, QUICK),
        new Forecast(archive),
        mirrors,
        properties.planTimeout());
  }
}
