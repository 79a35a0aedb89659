package flora.labeler.caption;

import flora.models.image.PixelValues;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the models of a captioner see of a picture.
 *
 * @param clip for CLIP; null when the captioner has none
 * @param blip for BLIP; null when the captioner has none
 */
public record Prepared(@Nullable PixelValues clip, @Nullable PixelValues blip) {

  PixelValues forClip() {
    return Objects.requireNonNull(clip, "prepared by a captioner without CLIP");
  }

  PixelValues forBlip() {
    return Objects.requireNonNull(blip, "prepared by a captioner without BLIP");
  }
}
