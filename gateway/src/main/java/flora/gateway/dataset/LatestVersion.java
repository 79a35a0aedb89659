package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.schemas.Json;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Optional;

/** The newest version of a dataset, as {@code latest.json} names it. */
public final class LatestVersion {

  /** What the look at a version has found. */
  public static final String REPORT = "report.json";

  private static final String CAPTIONS = "metadata.csv";

  private final ObjectStore store;

  /** Of the datasets in a store. */
  public LatestVersion(ObjectStore store) {
    this.store = store;
  }

  /** What {@code latest.json} says; empty when no run has labelled the dataset yet. */
  public Optional<DatasetLatest> find(String dataset) {
    return store
        .read(StoreLayout.DATASETS, StoreLayout.datasetLatest(dataset))
        .map(s -> Json.read(s.bytes(), DatasetLatest.class));
  }

  /**
   * What {@code latest.json} says.
   *
   * @throws Refusal.NoDataset when no run has labelled it yet
   */
  DatasetLatest get(String dataset) {
    return find(dataset).orElseThrow(() -> none(dataset, "captions"));
  }

  /**
   * One of the version's files.
   *
   * @throws Refusal.NoDataset when it has none of this name
   */
  InputStream open(DatasetLatest latest, String file) {
    var key = StoreLayout.datasetVersion(latest.dataset(), latest.version(), file);
    if (store.head(StoreLayout.DATASETS, key).isEmpty()) {
      throw none(latest.dataset(), file);
    }
    return store.open(StoreLayout.DATASETS, key);
  }

  /** Something done with the version's rows, one after the other. */
  interface Rows<T> {
    /**
     * Reads them.
     *
     * @param rows in file-name order; gone when this returns
     * @param labels whether the pictures have classes
     */
    T read(Iterator<CaptionRow> rows, boolean labels) throws IOException;
  }

  /** Goes through the version's rows; never holds them all. */
  <T> T rows(DatasetLatest latest, Rows<T> reader) throws IOException {
    try (var in =
        new BufferedReader(new InputStreamReader(open(latest, CAPTIONS), StandardCharsets.UTF_8))) {
      in.mark(1024);
      var header = in.readLine();
      in.reset();
      boolean labels = (header + "\n").equals(MetadataCsv.header(true));
      try (var rows = MetadataCsv.stream(in)) {
        return reader.read(rows.iterator(), labels);
      }
    }
  }

  private static Refusal.NoDataset none(String dataset, String what) {
    return new Refusal.NoDataset(
        "name",
        "the dataset %s has no %s yet".formatted(dataset, what),
        "submit a run with dataset: {name: %s}".formatted(dataset));
  }
}
