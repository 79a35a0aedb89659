package flora.fetcher;

import flora.fetcher.download.Downloader;
import flora.hub.HubClient;
import flora.hub.HubProperties;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.store.ObjectStore;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the fetch stage is made of. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({FetcherProperties.class, HubProperties.class})
class FetcherConfiguration {

  @Bean
  HubClient hubClient(HubProperties properties) {
    return new HubClient(properties.settings(), RetryPolicy.DEFAULT, Clock.systemUTC());
  }

  @Bean
  FetcherFlow fetcherFlow(HubClient hub, ObjectStore store, FetcherProperties properties) {
    var archive = new Archive(store);
    var downloader = new Downloader(hub, archive, Clock.systemUTC(), properties.parallelFiles());
    return new FetcherFlow(hub, archive, downloader);
  }
}
