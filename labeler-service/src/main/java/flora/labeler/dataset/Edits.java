package flora.labeler.dataset;

import flora.labeler.spool.Ahead;
import flora.labeler.spool.FileIndex;
import flora.labeler.spool.WorkFolder;
import flora.schemas.Json;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What people wrote over captions. An edit outlives the picture, and every version. */
final class Edits {

  private static final int CHUNK = 512;

  private final FileIndex<CaptionEdit> edits;
  private final FileIndex<CaptionEdit>.Lookup byName;

  private Edits(WorkFolder work) {
    edits = work.index(CaptionEdit.class);
    byName = edits.by(CaptionEdit::fileName);
  }

  static Edits of(ObjectStore store, String dataset, WorkFolder work) throws InterruptedException {
    var edits = new Edits(work);
    try (var objects = store.list(StoreLayout.DATASETS, StoreLayout.captionEdits(dataset))) {
      var keys = new ArrayList<String>();
      for (var object : (Iterable<flora.store.ObjectInfo>) objects::iterator) {
        keys.add(object.key());
        if (keys.size() == CHUNK) {
          edits.read(store, keys);
        }
      }
      edits.read(store, keys);
    }
    return edits;
  }

  private void read(ObjectStore store, List<String> keys) throws InterruptedException {
    Ahead.map(keys, key -> store.read(StoreLayout.DATASETS, key))
        .forEach(
            stored -> stored.ifPresent(s -> edits.add(Json.read(s.bytes(), CaptionEdit.class))));
    keys.clear();
  }

  /** The edit of a picture, which may say that there is none any more; null = there never was. */
  @Nullable CaptionEdit of(String fileName) {
    return edits.size() == 0 ? null : byName.last(fileName).orElse(null);
  }
}
