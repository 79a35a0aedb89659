package flora.fetcher;

import flora.fetcher.download.Downloader;
import flora.fetcher.download.LeftOvers;
import flora.hub.HubProperties;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.Planner;
import flora.store.ObjectStore;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** What the fetch stage is made of. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({
  FetcherProperties.class,
  HubProperties.class,
  MirrorProperties.class
})
class FetcherConfiguration {

  @Bean
  Mirrors mirrors(
      HubProperties hub, MirrorProperties properties, Environment environment, ObjectStore store) {
    var clock = Clock.systemUTC();
    var mirrors = new Mirrors(properties, hub.settings(), environment::getProperty, store, clock);
    mirrors.start();
    return mirrors;
  }

  @Bean
  LeftOvers leftOvers(ObjectStore store, FetcherProperties properties) {
    var leftOvers = new LeftOvers(store, properties.download(), Clock.systemUTC());
    leftOvers.start();
    return leftOvers;
  }

  @Bean
  FetcherFlow fetcherFlow(Mirrors mirrors, ObjectStore store, FetcherProperties properties) {
    var archive = new Archive(store);
    var downloader = new Downloader(store, properties.download(), Clock.systemUTC());
    var planner = new Planner(mirrors::locate, RetryPolicy.DEFAULT);
    return new FetcherFlow(planner, archive, downloader, Clock.systemUTC());
  }
}
