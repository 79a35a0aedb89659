package flora.labeler.dataset;

import flora.labeler.image.Picture;
import flora.labeler.spool.FileIndex;
import flora.labeler.spool.WorkFolder;
import flora.schemas.Json;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.label.LabelRow;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** The rows of a dataset's newest version, for those that stay. */
final class Previous {

  private final FileIndex<LabelRow> rows;
  private final FileIndex<LabelRow>.Lookup byName;
  private final FileIndex<LabelRow>.Lookup byContent;

  private Previous(WorkFolder work) {
    rows = work.index(LabelRow.class);
    byName = rows.by(LabelRow::fileName);
    byContent = rows.by(r -> r.etag() == null ? r.sha256().hex() : r.etag() + "/" + r.size());
  }

  static Previous of(ObjectStore store, String dataset, WorkFolder work) {
    var previous = new Previous(work);
    store
        .read(StoreLayout.DATASETS, StoreLayout.datasetLatest(dataset))
        .map(s -> Json.read(s.bytes(), DatasetLatest.class))
        .ifPresent(
            latest ->
                previous.read(
                    store, StoreLayout.datasetVersion(dataset, latest.version(), "labels.jsonl")));
    return previous;
  }

  private void read(ObjectStore store, String key) {
    try (var in =
        new BufferedReader(
            new InputStreamReader(store.open(StoreLayout.DATASETS, key), StandardCharsets.UTF_8))) {
      for (var line = in.readLine(); line != null; line = in.readLine()) {
        var row = parse(line);
        if (row != null) {
          rows.add(row);
        }
      }
    } catch (ObjectStoreException.NotFound e) {
      // somebody removed it: then nothing stays
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + key, e);
    }
  }

  /** A row that says too little, as those of the first versions do, is none. */
  private static @Nullable LabelRow parse(String line) {
    try {
      var row = Json.read(line.getBytes(StandardCharsets.UTF_8), LabelRow.class);
      Objects.requireNonNull(row.sha256());
      Objects.requireNonNull(row.text());
      Objects.requireNonNull(row.source());
      return row;
    } catch (JacksonException | NullPointerException | IllegalArgumentException e) {
      return null;
    }
  }

  /** The row of the same bytes under the same name, as far as a listing tells; null = none. */
  @Nullable LabelRow same(Picture picture) {
    var row = named(picture);
    if (row == null) {
      return null;
    }
    var sha256 = picture.sha256();
    boolean same =
        sha256 != null
            ? sha256.equals(row.sha256())
            : picture.size() == row.size() && Objects.equals(picture.etag(), row.etag());
    return same ? row : null;
  }

  /** A row that may be of the same bytes: to be compared once they are read; null = none. */
  @Nullable LabelRow perhaps(Picture picture) {
    if (rows.size() == 0) {
      return null;
    }
    var named = named(picture);
    return named != null ? named : byContent.first(picture.content()).orElse(null);
  }

  private @Nullable LabelRow named(Picture picture) {
    return rows.size() == 0 ? null : byName.last(picture.fileName()).orElse(null);
  }
}
