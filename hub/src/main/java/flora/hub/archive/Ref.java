package flora.hub.archive;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a revision stands for in the store.
 *
 * @param revision a branch or tag
 * @param commit whose manifest lies in the store
 * @param listedAt when the list that says so was asked for; null where nobody knows
 */
public record Ref(String revision, String commit, @Nullable Instant listedAt) {

  /** Whether this revision stands for that commit. */
  boolean says(String thatRevision, String thatCommit) {
    return revision.equals(thatRevision) && commit.equals(thatCommit);
  }
}
