package flora.schemas.request;

import flora.schemas.RunId;
import flora.schemas.store.StoreLayout;
import java.util.List;
import java.util.regex.Pattern;

/** Where an adapter lies that a run is to begin with. */
public sealed interface AdapterReference {

  /** What one looks like. */
  String FORMS = "a run's id, or s3://flora-models/…, s3://flora-runs/… that ends in .safetensors";

  /** What a run has exported. */
  record OfRun(RunId run) implements AdapterReference {}

  /** An object of the store. */
  record Stored(String bucket, String key) implements AdapterReference {}

  /**
   * Reads a reference.
   *
   * @throws IllegalArgumentException when it is of none of the {@link #FORMS}
   */
  static AdapterReference parse(String text) {
    if (text.startsWith("run_")) {
      return new OfRun(new RunId(text));
    }
    var stored = Pattern.compile("s3://([^/]+)/(.+\\.safetensors)").matcher(text);
    if (stored.matches()
        && List.of(StoreLayout.MODELS, StoreLayout.RUNS).contains(stored.group(1))) {
      return new Stored(stored.group(1), stored.group(2));
    }
    throw new IllegalArgumentException("not " + FORMS);
  }
}
