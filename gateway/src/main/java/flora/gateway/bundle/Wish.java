package flora.gateway.bundle;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.archive.Archive;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Says that the files of a bundle are wanted, before anybody looks which of them are there and for
 * as long as it takes to move them: no clean-up takes them meanwhile. For one thread.
 */
final class Wish {

  private static final Duration EVERY = Duration.ofMinutes(5);

  private final Archive archive;
  private final Clock clock;
  private final List<BundleManifest.Repository> repositories;
  private Instant said;

  private Wish(Archive archive, Clock clock, List<BundleManifest.Repository> repositories) {
    this.archive = archive;
    this.clock = clock;
    this.repositories = repositories;
    said = clock.instant();
  }

  /** Says it for the first time; what is found from then on stays. */
  static Wish say(Archive archive, Clock clock, BundleManifest manifest)
      throws InterruptedException {
    var wish = new Wish(archive, clock, manifest.repositories());
    wish.say();
    archive.awaitRemovals(clock);
    return wish;
  }

  /** Says it again when that was not done for a while. */
  void renew() {
    var now = clock.instant();
    if (now.isAfter(said.plus(EVERY))) {
      said = now;
      say();
    }
  }

  private void say() {
    for (var repository : repositories) {
      var list = repository.manifest();
      var files =
          list.files().stream()
              .map(f -> new HubFile(f.path(), f.size(), f.gitSha1(), f.sha256()))
              .toList();
      archive.use(
          new RepoListing(
              repository.kind(), list.repo(), repository.revision(), list.commit(), files),
          files);
    }
  }
}
