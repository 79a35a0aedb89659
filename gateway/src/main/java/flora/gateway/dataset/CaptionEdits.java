package flora.gateway.dataset;

import flora.schemas.Json;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What people wrote over captions: one object a picture, replaced under its etag. */
final class CaptionEdits {

  private final ObjectStore store;

  CaptionEdits(ObjectStore store) {
    this.store = store;
  }

  /**
   * An edit as it lies in the store.
   *
   * @param edit what was written
   * @param etag of the object
   */
  record Known(CaptionEdit edit, String etag) {}

  /** The edit of a picture, taken back or not. */
  Optional<Known> find(String dataset, String fileName) {
    return store
        .read(StoreLayout.DATASETS, StoreLayout.captionEdit(dataset, fileName))
        .map(stored -> new Known(Json.read(stored.bytes(), CaptionEdit.class), stored.etag()));
  }

  /** The captions that people wrote, by picture; those that were taken back are not among them. */
  Map<String, String> all(String dataset) {
    var texts = new HashMap<String, String>();
    for (var key : keys(dataset)) {
      store
          .read(StoreLayout.DATASETS, key)
          .map(stored -> Json.read(stored.bytes(), CaptionEdit.class))
          .ifPresent(edit -> keep(edit, texts));
    }
    return texts;
  }

  private static void keep(CaptionEdit edit, Map<String, String> texts) {
    var text = edit.text();
    if (text != null) {
      texts.put(edit.fileName(), text);
    }
  }

  private List<String> keys(String dataset) {
    try (var objects = store.list(StoreLayout.DATASETS, StoreLayout.captionEdits(dataset))) {
      return objects.map(o -> o.key()).toList();
    }
  }

  /**
   * Writes an edit unless somebody was quicker.
   *
   * @param before what it replaces; null = there was none
   * @return whether it is written
   */
  boolean write(String dataset, CaptionEdit edit, @Nullable Known before) {
    var key = StoreLayout.captionEdit(dataset, edit.fileName());
    var bytes = Json.bytes(edit);
    var type = "application/json";
    var won =
        before == null
            ? store.putIfAbsent(StoreLayout.DATASETS, key, bytes, type)
            : store.putIfMatch(StoreLayout.DATASETS, key, bytes, type, before.etag());
    return won.isPresent();
  }
}
