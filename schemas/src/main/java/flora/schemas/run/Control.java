package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * {@code runs/{id}/control.json}: what people want of a run. Written before the notice goes out.
 *
 * @param desired the state that is wanted
 * @param version counts the changes from 1
 * @param savesAsked how often a checkpoint was asked for; absent = never
 * @param previewsAsked how often previews were asked for; absent = never
 */
public record Control(
    Desired desired,
    long version,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) Long savesAsked,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) Long previewsAsked) {

  /** Of a run that nobody has asked anything of. */
  public static final Control NONE = new Control(Desired.RUNNING, 0);

  public Control {
    savesAsked = savesAsked == null ? 0L : savesAsked;
    previewsAsked = previewsAsked == null ? 0L : previewsAsked;
  }

  /** A state alone. */
  public Control(Desired desired, long version) {
    this(desired, version, 0L, 0L);
  }

  /** What a run can be told. */
  public enum Desired {
    @JsonProperty("running")
    RUNNING,
    @JsonProperty("paused")
    PAUSED,
    @JsonProperty("cancelled")
    CANCELLED
  }

  /** Another state, all else as it is. */
  public Control desiring(Desired another) {
    return new Control(another, version + 1, savesAsked, previewsAsked);
  }

  /** One checkpoint more. */
  public Control askingForSave() {
    return new Control(desired, version + 1, savesAsked + 1, previewsAsked);
  }

  /** Previews once more. */
  public Control askingForPreviews() {
    return new Control(desired, version + 1, savesAsked, previewsAsked + 1);
  }
}
