package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.Optional;

/** The newest version of a dataset, as {@code latest.json} names it. */
final class LatestVersion {

  private static final String CAPTIONS = "metadata.csv";

  private final ObjectStore store;

  LatestVersion(ObjectStore store) {
    this.store = store;
  }

  /**
   * Its captions.
   *
   * @throws Refusal.NoDataset when no run has labelled it yet
   */
  byte[] metadata(String dataset) {
    return version(dataset)
        .flatMap(
            v -> store.read(StoreLayout.DATASETS, StoreLayout.datasetVersion(dataset, v, CAPTIONS)))
        .orElseThrow(
            () ->
                new Refusal.NoDataset(
                    "name",
                    "the dataset %s has no captions yet".formatted(dataset),
                    "submit a run with dataset: {name: %s}".formatted(dataset)))
        .bytes();
  }

  private Optional<Sha256> version(String dataset) {
    return store
        .read(StoreLayout.DATASETS, StoreLayout.datasetLatest(dataset))
        .map(s -> Json.read(s.bytes(), DatasetLatest.class).version());
  }
}
