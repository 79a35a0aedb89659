package flora.schemas.work;

import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;

/**
 * A record on {@code label.shards.v1}: this part of a labelling waits for a labeler that has time.
 * It only distributes: who works on the shard is said by its claim, what came of it by its result,
 * so a record may come late, twice, or after the run has ended.
 *
 * @param runId the run
 * @param shard which part, from 0
 * @param shards how many parts there are
 * @param request the frozen request
 * @param pictures the part's pictures, a line of JSON each
 * @param recipe digest of what the captions follow from beside the pictures
 */
public record LabelShard(
    RunId runId, int shard, int shards, ObjectRef request, ObjectRef pictures, Sha256 recipe) {

  public LabelShard {
    if (shard < 0 || shard >= shards) {
      throw new IllegalArgumentException("no shard %d of %d".formatted(shard, shards));
    }
  }

  /** The record's key. */
  public String key() {
    return runId.value() + "/" + shard;
  }
}
