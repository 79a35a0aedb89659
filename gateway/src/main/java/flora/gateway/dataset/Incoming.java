package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetListing;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** The folders that pictures come in by, whether dropped or uploaded. */
@Component
public final class Incoming {

  private final ObjectStore store;

  Incoming(ObjectStore store) {
    this.store = store;
  }

  /**
   * What lies in a dataset's folder.
   *
   * @param name of the dataset
   * @param images pictures
   * @param captions files that hold captions
   * @param bytes of all of them
   */
  public record Report(String name, long images, long captions, long bytes) {}

  /** Counts what lies in a dataset's folder. */
  public Report report(String dataset) {
    long images = 0;
    long captions = 0;
    long bytes = 0;
    try (var files = store.list(StoreLayout.DATASETS, StoreLayout.incoming(dataset))) {
      for (var each = files.iterator(); each.hasNext(); ) {
        var file = each.next();
        var kind = FileKind.of(file.key());
        images += kind == FileKind.IMAGE ? 1 : 0;
        captions += kind == FileKind.CAPTIONS ? 1 : 0;
        bytes += file.size();
      }
    }
    return new Report(dataset, images, captions, bytes);
  }

  /**
   * Makes sure that a dataset has pictures: uploaded, dropped, or a version of before.
   *
   * @throws Refusal.NoDataset when it has none
   */
  public void requireAny(String dataset) {
    if (store.head(StoreLayout.DATASETS, StoreLayout.datasetLatest(dataset)).isPresent()) {
      return;
    }
    try (var files = store.list(StoreLayout.DATASETS, StoreLayout.incoming(dataset))) {
      if (files.noneMatch(f -> FileKind.of(f.key()) == FileKind.IMAGE)) {
        throw new Refusal.NoDataset(
            "/dataset/name",
            "the dataset %s has no pictures".formatted(dataset),
            "upload them first: PUT /v1/datasets/%s/images/{file}".formatted(dataset));
      }
    }
  }

  /** Remembers that a run was asked for the files that lie there now. */
  public void cover(String dataset, RunId run) {
    var listing = listing(dataset);
    if (listing.isPresent()) {
      var key = StoreLayout.datasetCovered(dataset, listing.get());
      store.putIfAbsent(
          StoreLayout.DATASETS, key, Json.bytes(Map.of("run_id", run)), "application/json");
    }
  }

  /** Whether a run was asked for exactly these files. */
  public boolean isCovered(String dataset, Sha256 listing) {
    return store
        .head(StoreLayout.DATASETS, StoreLayout.datasetCovered(dataset, listing))
        .isPresent();
  }

  /** From now on this dataset is driven by requests: its folder starts no runs of its own. */
  void manage(String dataset) {
    store.putIfAbsent(
        StoreLayout.DATASETS,
        StoreLayout.datasetManaged(dataset),
        Json.bytes(Map.of("dataset", dataset)),
        "application/json");
  }

  /** Whether a dataset is driven by requests. */
  public boolean isManaged(String dataset) {
    return store.head(StoreLayout.DATASETS, StoreLayout.datasetManaged(dataset)).isPresent();
  }

  /** Digest of what lies in a dataset's folder; empty when nothing does. */
  public Optional<Sha256> listing(String dataset) {
    var listing = new DatasetListing();
    try (var files = store.list(StoreLayout.DATASETS, StoreLayout.incoming(dataset))) {
      files.forEach(file -> listing.add(file.key(), file.size(), file.etag()));
    }
    return listing.files() == 0 ? Optional.empty() : Optional.of(listing.finish());
  }

  /**
   * What people have written over a dataset's captions.
   *
   * @param digest of all of it
   * @param newest when the last of it was written, by the store's clock
   */
  public record Edits(Sha256 digest, Instant newest) {}

  /** What people have written over a dataset's captions; empty when nobody did. */
  public Optional<Edits> edits(String dataset) {
    var listing = new DatasetListing();
    var newest = Instant.MIN;
    try (var files = store.list(StoreLayout.DATASETS, StoreLayout.captionEdits(dataset))) {
      for (var each = files.iterator(); each.hasNext(); ) {
        var file = each.next();
        listing.add(file.key(), file.size(), file.etag());
        newest = file.lastModified().isAfter(newest) ? file.lastModified() : newest;
      }
    }
    return listing.files() == 0
        ? Optional.empty()
        : Optional.of(new Edits(listing.finish(), newest));
  }
}
