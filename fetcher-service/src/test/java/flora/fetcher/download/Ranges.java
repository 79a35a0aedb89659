package flora.fetcher.download;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;

/** Bytes of files that lie in a store, whether they count yet or not. */
final class Ranges {

  private record Range(String path, long from, long to) {}

  private final List<Range> ranges = new ArrayList<>();

  private Ranges() {}

  /** The parts of open uploads, and objects that are whole, of files that are fetched in parts. */
  static Ranges stored(ObjectStore store, FakeRepo repo) {
    var found = new Ranges();
    for (var path : repo.paths()) {
      if (repo.size(path) <= DownloadSettings.PART) {
        continue;
      }
      var digest = new Sha256(repo.sha256(path));
      var keys = List.of(StoreLayout.blob(digest), StoreLayout.staged(repo.gitSha1(path)));
      for (var key : keys) {
        try (var open = store.openUploads(StoreLayout.MODELS, key)) {
          open.forEach(upload -> found.parts(store, path, key, upload.uploadId()));
        }
        store
            .head(StoreLayout.MODELS, key)
            .ifPresent(object -> found.ranges.add(new Range(path, 0, object.size())));
      }
    }
    return found;
  }

  private void parts(ObjectStore store, String path, String key, String uploadId) {
    for (var part : store.resumeMultipart(StoreLayout.MODELS, key, uploadId).parts()) {
      long from = (part.number() - 1L) * DownloadSettings.PART;
      ranges.add(new Range(path, from, from + part.size()));
    }
  }

  /** How many bytes lie there. */
  long bytes() {
    return ranges.stream().mapToLong(range -> range.to() - range.from()).sum();
  }

  /** How many of these bytes a hub has sent since it was told to forget. */
  long sentAgain(FakeHub hub) {
    long sum = 0;
    for (var sent : hub.sent()) {
      for (var range : ranges) {
        if (range.path().equals(sent.path())) {
          long from = Math.max(range.from(), sent.from());
          long to = Math.min(range.to(), sent.from() + sent.bytes());
          sum += Math.max(0, to - from);
        }
      }
    }
    return sum;
  }
}
