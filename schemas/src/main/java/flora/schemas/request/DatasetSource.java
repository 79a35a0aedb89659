package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The pictures of a run: a dataset of the store, or one of a hub.
 *
 * @param name of the dataset in the store; for a hub's dataset the name it gets there
 * @param hub {@code owner/name[@revision]} of a dataset repository, instead of uploaded pictures
 * @param label how captions are made
 * @param checkOnly only look at the pictures and report: no caption is made, and no version
 */
public record DatasetSource(
    String name, @Nullable String hub, LabelOptions label, boolean checkOnly) {

  /** Pictures that a version is made of. */
  public DatasetSource(String name, @Nullable String hub, LabelOptions label) {
    this(name, hub, label, false);
  }

  /** A request that was frozen before there was check_only does not say it. */
  @JsonCreator
  static DatasetSource of(
      @JsonProperty("name") String name,
      @JsonProperty("hub") @Nullable String hub,
      @JsonProperty("label") LabelOptions label,
      @JsonProperty("check_only") @Nullable Boolean checkOnly) {
    return new DatasetSource(name, hub, label, Boolean.TRUE.equals(checkOnly));
  }

  /** The repository of the label model that is wanted; null when none is. */
  public @Nullable String labelModel() {
    return makesCaptions() ? label.model() : null;
  }

  /** The repository of the caption model that is wanted beside it; null when none is. */
  public @Nullable String captionModel() {
    return makesCaptions() ? label.captionModel() : null;
  }

  private boolean makesCaptions() {
    return !checkOnly && label.labeler() != LabelOptions.Labeler.NONE;
  }
}
