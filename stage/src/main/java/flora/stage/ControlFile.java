package flora.stage;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;

/** {@code runs/{id}/control.json}: what people want of a run. */
final class ControlFile {

  private ControlFile() {}

  /** What is wanted now. */
  static Control read(ObjectStore store, RunId run) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.control(run))
        .map(s -> Json.read(s.bytes(), Control.class))
        .orElse(Control.NONE);
  }
}
