package flora.labeler.caption;

import flora.schemas.Json;
import flora.schemas.Sha256;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a made caption depends on beside its picture: of two equal recipes the captions are equal.
 *
 * @param labeler which kind, as the request names it
 * @param model {@code owner/name@commit} of its model, or of its CLIP when it has two
 * @param captionModel {@code owner/name@commit} of the BLIP beside a CLIP
 * @param options digest of all options that captions depend on
 */
public record LabelRecipe(
    String labeler, @Nullable String model, @Nullable String captionModel, Sha256 options) {

  /** One digest for all of it: what rows are compared by. */
  public Sha256 digest() {
    // nulls are left out, so that a part that comes later does not make old rows stale
    var parts = new LinkedHashMap<String, Object>();
    parts.put("labeler", labeler);
    if (model != null) {
      parts.put("model", model);
    }
    if (captionModel != null) {
      parts.put("caption_model", captionModel);
    }
    parts.put("options", options);
    return Sha256.sum(Json.bytes(parts));
  }
}
