package flora.fetcher;

import flora.fetcher.download.DownloadSettings;
import flora.fetcher.download.Downloader;
import flora.hub.HubClient;
import flora.hub.archive.Archive;
import flora.hub.plan.Planner;
import flora.store.ObjectStore;
import java.time.Clock;

/** The flow of a fetch, of one hub and without Kafka. */
final class Flows {

  private Flows() {}

  static FetcherFlow of(HubClient hub, ObjectStore store) {
    var clock = Clock.systemUTC();
    return new FetcherFlow(
        new Planner(
            (type, repo, revision, useMirror) -> hub.copies(hub.listing(type, repo, revision)),
            hub.policy()),
        new Archive(store),
        new Downloader(store, DownloadSettings.DEFAULT.with(hub.policy()), clock),
        clock);
  }
}
