package flora.labeler.dataset;

import com.fasterxml.jackson.annotation.JsonIgnore;
import flora.labeler.work.ShardRow;
import org.jspecify.annotations.Nullable;

/**
 * A picture of the plan, in the order of the version.
 *
 * @param fileName the picture
 * @param row what is known of it already; null = a part says it
 */
record PlanLine(String fileName, @Nullable ShardRow row) {

  /** Why a picture is left out that nobody uploaded. */
  static final String MISSING = "metadata.csv names it, but it is not in the dataset";

  @JsonIgnore
  boolean isKept() {
    return row instanceof ShardRow.Labelled;
  }
}
