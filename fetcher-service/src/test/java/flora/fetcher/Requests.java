package flora.fetcher;

import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.ModelSource;
import flora.schemas.request.RunRequest;
import java.util.List;
import java.util.Map;

/** Requests as the gateway freezes them. */
final class Requests {

  private Requests() {}

  static RunRequest mirror(String model) {
    return mirror(model, List.of(), List.of());
  }

  /** A copy of all its files from certain places. */
  static RunRequest from(String useMirror, String model) {
    return new RunRequest(
        "mirror",
        new ModelSource(
            model, null, null, List.of(), List.of(), useMirror, ModelSource.Preset.EVERYTHING),
        null,
        null);
  }

  static RunRequest mirror(String model, List<String> allow, List<String> ignore) {
    return new RunRequest(
        "mirror",
        new ModelSource(model, null, null, allow, ignore, "true", ModelSource.Preset.NEEDED),
        null,
        null);
  }

  static RunRequest label(String labelModel, String hubDataset) {
    var options =
        new LabelOptions(
            LabelOptions.Labeler.CLIP, labelModel, Map.of(), List.of("{}"), 0.1, 3, null);
    return new RunRequest("label", null, new DatasetSource("pictures", hubDataset, options), null);
  }

  static RunRequest all(
      String model, String vae, String tokenizer, String labelModel, String dataset) {
    return new RunRequest(
        "all",
        new ModelSource(
            model, vae, tokenizer, List.of(), List.of(), "true", ModelSource.Preset.NEEDED),
        label(labelModel, dataset).dataset(),
        null);
  }
}
