package flora.labeler.dataset;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * A finished dataset version on its way into the store: the tables first, the manifest after them,
 * {@code latest.json} last, so that nobody ever sees half of it. Its name is the digest of its
 * manifest: the same pictures with the same captions are the same version, written once.
 */
public final class DatasetVersion {

  private static final String JSON = "application/json";
  private static final int MOVES = 10;

  private final DatasetManifest manifest;
  private final byte[] manifestJson;
  private final Sha256 version;
  private final List<LabeledPicture> pictures;

  /**
   * A version.
   *
   * @param pictures in file-name order
   * @param labelModel {@code repo@commit}; null when no caption was made
   */
  public DatasetVersion(
      String dataset,
      List<LabeledPicture> pictures,
      List<Rejected> rejected,
      @Nullable String labelModel) {
    this.pictures = List.copyOf(pictures);
    this.manifest =
        new DatasetManifest(
            dataset, pictures.stream().map(LabeledPicture::image).toList(), rejected, labelModel);
    this.manifestJson = Json.bytes(manifest);
    this.version = Sha256.sum(manifestJson);
  }

  /** The name of its folder. */
  public Sha256 version() {
    return version;
  }

  /** Its manifest, as others refer to it. */
  public ObjectRef reference() {
    return new ObjectRef(StoreLayout.DATASETS, key("manifest.json"), manifestJson.length, version);
  }

  /** Writes the version, unless it is there. */
  public void write(ObjectStore store) {
    if (store.head(StoreLayout.DATASETS, key("manifest.json")).isPresent()) {
      return;
    }
    put(store, "metadata.csv", metadataCsv(), "text/csv");
    put(store, "metadata.jsonl", metadataJsonl(), "application/jsonl");
    put(store, "labels.jsonl", labelsJsonl(), "application/jsonl");
    put(store, "rejected.csv", rejectedCsv(), "text/csv");
    store.put(StoreLayout.DATASETS, key("manifest.json"), manifestJson, JSON);
  }

  /** Makes it the newest version of its dataset. */
  public void makeLatest(ObjectStore store) {
    var key = StoreLayout.datasetLatest(manifest.dataset());
    var latest = new DatasetLatest(manifest.dataset(), version, reference());
    var json = Json.bytes(latest);
    for (int move = 0; move < MOVES; move++) {
      var before = store.read(StoreLayout.DATASETS, key);
      var moved =
          before.isEmpty()
              ? store.putIfAbsent(StoreLayout.DATASETS, key, json, JSON)
              : store.putIfMatch(StoreLayout.DATASETS, key, json, JSON, before.get().etag());
      if (moved.isPresent()) {
        return;
      }
    }
    throw new IllegalStateException(key + " was changed by others " + MOVES + " times");
  }

  private String key(String file) {
    return StoreLayout.datasetVersion(manifest.dataset(), version, file);
  }

  private void put(ObjectStore store, String file, String text, String contentType) {
    store.put(StoreLayout.DATASETS, key(file), text.getBytes(StandardCharsets.UTF_8), contentType);
  }

  private String metadataCsv() {
    return MetadataCsv.write(
        manifest.images().stream().map(i -> new CaptionRow(i.fileName(), i.text())).toList());
  }

  private String metadataJsonl() {
    return lines(manifest.images().stream().map(i -> new CaptionRow(i.fileName(), i.text())));
  }

  private String labelsJsonl() {
    return lines(
        pictures.stream()
            .map(
                p -> {
                  var line = new LinkedHashMap<String, Object>();
                  line.put("file_name", p.image().fileName());
                  line.put("text", p.image().text());
                  line.put("source", p.image().captionSource());
                  line.put("labels", p.scores());
                  return line;
                }));
  }

  private String rejectedCsv() {
    var csv = new StringBuilder("file_name,reason\n");
    manifest.rejected().forEach(r -> MetadataCsv.line(csv, r.fileName(), r.reason()));
    return csv.toString();
  }

  private static String lines(Stream<?> values) {
    JsonMapper mapper = Json.mapper();
    var text = new StringBuilder();
    values.forEach(v -> text.append(mapper.writeValueAsString(v)).append('\n'));
    return text.toString();
  }
}
