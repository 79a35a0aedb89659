package flora.fetcher;

import flora.fetcher.download.Downloader;
import flora.hub.HubClient;
import flora.hub.HubProperties;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.hub.plan.Planner;
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
    var planner =
        new Planner(
            (type, repo, revision, useMirror) -> hub.copies(hub.listing(type, repo, revision)),
            RetryPolicy.DEFAULT);
    return new FetcherFlow(planner, archive, downloader);
  }
}
