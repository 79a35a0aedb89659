package flora.labeler.dataset;

import flora.labeler.spool.WorkFolder;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataJsonl;
import flora.schemas.label.LabelRow;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A finished dataset version on its way into the store: the tables first, the manifest after them,
 * {@code latest.json} last, so that nobody ever sees half of it. Its name is the digest of its
 * manifest: the same pictures with the same captions are the same version, written once. All of it
 * is written row by row, into files of this machine first, since the name is known at the end.
 */
public final class DatasetVersion {

  private static final String MANIFEST = "manifest.json";
  private static final String LABELS = "labels.jsonl";
  private static final String JSON = "application/json";
  private static final String JSONL = "application/jsonl";
  private static final String CSV = "text/csv";
  private static final int MOVES = 10;

  private final String dataset;
  private final Map<String, Path> tables = new LinkedHashMap<>();
  private final Path manifest;
  private final Sha256 version;
  private final long manifestSize;

  private DatasetVersion(String dataset, Merged content, WorkFolder work) throws IOException {
    this.dataset = dataset;
    table(work, "metadata.csv", out -> csv(content, out));
    table(
        work,
        "metadata.jsonl",
        out -> content.rows().forEach(row -> MetadataJsonl.write(out, caption(row))));
    table(work, LABELS, out -> labels(content, out));
    table(work, "rejected.csv", out -> rejected(content, out));
    this.manifest = work.file(MANIFEST);
    this.version = manifest(content);
    this.manifestSize = Files.size(manifest);
  }

  /** Writes a version into the work folder. */
  public static DatasetVersion of(String dataset, Merged content, WorkFolder work) {
    try {
      return new DatasetVersion(dataset, content, work);
    } catch (IOException e) {
      throw new UncheckedIOException("the work folder cannot be written", e);
    }
  }

  /** The name of its folder. */
  public Sha256 version() {
    return version;
  }

  /** Its manifest, as others refer to it. */
  public ObjectRef reference() {
    return new ObjectRef(StoreLayout.DATASETS, key(MANIFEST), manifestSize, version);
  }

  /**
   * Writes the version into the store. Of one that is there only the labels are written again: the
   * same captions may follow from other options by now, and the next run goes by what it finds.
   */
  public void write(ObjectStore store) {
    if (store.head(StoreLayout.DATASETS, key(MANIFEST)).isPresent()) {
      upload(store, LABELS);
      return;
    }
    tables.keySet().forEach(name -> upload(store, name));
    store.upload(StoreLayout.DATASETS, key(MANIFEST), manifest, JSON);
  }

  private void upload(ObjectStore store, String name) {
    var type = name.endsWith(".csv") ? CSV : JSONL;
    store.upload(StoreLayout.DATASETS, key(name), Objects.requireNonNull(tables.get(name)), type);
  }

  /**
   * Makes it the newest version of its dataset, unless there is one of a later listing: a run that
   * took long does not undo what was dropped meanwhile.
   *
   * @param listedAt when its pictures were listed
   * @return whether it is the newest now
   */
  public boolean makeLatest(ObjectStore store, Instant listedAt) {
    var key = StoreLayout.datasetLatest(dataset);
    var json = Json.bytes(new DatasetLatest(dataset, version, reference(), listedAt));
    for (int move = 0; move < MOVES; move++) {
      var before = store.read(StoreLayout.DATASETS, key);
      if (before.isPresent()) {
        var since = Json.read(before.get().bytes(), DatasetLatest.class).listedAt();
        if (since != null && since.isAfter(listedAt)) {
          return false;
        }
      }
      var moved =
          before.isEmpty()
              ? store.putIfAbsent(StoreLayout.DATASETS, key, json, JSON)
              : store.putIfMatch(StoreLayout.DATASETS, key, json, JSON, before.get().etag());
      if (moved.isPresent()) {
        return true;
      }
    }
    throw new IllegalStateException(key + " was changed by others " + MOVES + " times");
  }

  /** The key of one of its files. */
  public String key(String file) {
    return StoreLayout.datasetVersion(dataset, version, file);
  }

  @FunctionalInterface
  private interface Content {
    void to(Writer out) throws IOException;
  }

  private void table(WorkFolder work, String name, Content content) throws IOException {
    var file = work.file(name);
    try (var out = Files.newBufferedWriter(file)) {
      content.to(out);
    }
    tables.put(name, file);
  }

  private static void csv(Merged content, Writer out) throws IOException {
    out.write(MetadataCsv.header(content.hasClasses()));
    for (var row : content.rows()) {
      out.write(MetadataCsv.line(caption(row), content.hasClasses()));
    }
  }

  private static void labels(Merged content, Writer out) throws IOException {
    var mapper = Json.mapper();
    for (var row : content.rows()) {
      out.write(mapper.writeValueAsString(row));
      out.write('\n');
    }
  }

  private static void rejected(Merged content, Writer out) throws IOException {
    out.write("file_name,reason\n");
    for (var why : content.rejected()) {
      var line = new StringBuilder();
      MetadataCsv.line(line, why.fileName(), why.reason());
      out.write(line.toString());
    }
  }

  private static CaptionRow caption(LabelRow row) {
    return new CaptionRow(row.fileName(), row.text(), row.label());
  }

  /** A {@link flora.schemas.dataset.DatasetManifest}, byte for byte, with nothing of it held. */
  private Sha256 manifest(Merged content) throws IOException {
    var digest = sha256();
    try (var file =
            new DigestOutputStream(
                new BufferedOutputStream(Files.newOutputStream(manifest)), digest);
        var json =
            Json.mapper().createGenerator(new OutputStreamWriter(file, StandardCharsets.UTF_8))) {
      json.writeStartObject();
      json.writeStringProperty("dataset", dataset);
      json.writeArrayPropertyStart("images");
      for (var row : content.rows()) {
        json.writePOJO(
            new Image(
                row.fileName(),
                row.sha256(),
                row.size(),
                row.width(),
                row.height(),
                row.text(),
                row.source(),
                row.label()));
      }
      json.writeEndArray();
      json.writeArrayPropertyStart("rejected");
      for (var why : content.rejected()) {
        json.writePOJO(why);
      }
      json.writeEndArray();
      json.writePOJOProperty("label_model", content.labelModel());
      json.writeEndObject();
    }
    return Sha256.of(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
