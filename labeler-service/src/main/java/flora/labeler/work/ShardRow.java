package flora.labeler.work;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.label.LabelRow;

/** What came of a picture. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface ShardRow {

  /** Whose it is. */
  String fileName();

  /**
   * It has a caption.
   *
   * @param made whether a model made it now
   */
  @JsonTypeName("labelled")
  record Labelled(LabelRow row, boolean made) implements ShardRow {
    @Override
    public String fileName() {
      return row.fileName();
    }
  }

  /** It cannot be used. */
  @JsonTypeName("left")
  record Left(Rejected why) implements ShardRow {
    @Override
    public String fileName() {
      return why.fileName();
    }
  }
}
