package flora.labeler.dataset;

import flora.labeler.check.DatasetCheck;
import flora.labeler.spool.Ahead;
import flora.schemas.dataset.SidecarNames;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The captions of a version as a text for each picture, named and lying as the pictures are: {@code
 * captions/cat/a.txt} for {@code cat/a.png}. That is what kohya's scripts and others like them read
 * beside pictures; the folder can be copied over that of the pictures as it is.
 */
public final class Sidecars {

  private static final String FOLDER = "captions/";
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final int CHUNK = 512;

  private final ObjectStore store;
  private final DatasetVersion version;

  private record Text(String name, String text) {}

  private Sidecars(ObjectStore store, DatasetVersion version) {
    this.store = store;
    this.version = version;
  }

  /**
   * Writes the texts of a version into the store, unless they are there; a picture without a
   * caption has none.
   *
   * @param proceed called now and then; throws to stop
   */
  public static void write(
      ObjectStore store, DatasetVersion version, Merged content, Runnable proceed)
      throws InterruptedException {
    var sidecars = new Sidecars(store, version);
    if (sidecars.count() == content.labelled()) {
      return; // a version says the same for ever, and so do its texts
    }
    var names = new SidecarNames();
    var chunk = new ArrayList<Text>(CHUNK);
    for (var row : content.rows()) {
      var name = names.of(SidecarNames.within(row.fileName()));
      if (!row.source().equals(DatasetCheck.NOT_MADE)) {
        chunk.add(new Text(name, row.text() + "\n"));
      }
      if (chunk.size() == CHUNK) {
        proceed.run();
        sidecars.write(chunk);
      }
    }
    sidecars.write(chunk);
  }

  private long count() {
    try (var there = store.list(StoreLayout.DATASETS, version.key(FOLDER))) {
      return there.count();
    }
  }

  private void write(List<Text> chunk) throws InterruptedException {
    Ahead.map(
        chunk,
        text ->
            store.put(
                StoreLayout.DATASETS,
                version.key(FOLDER + text.name()),
                text.text().getBytes(StandardCharsets.UTF_8),
                TEXT));
    chunk.clear();
  }
}
