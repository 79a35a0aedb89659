package flora.labeler.dataset;

import flora.labeler.work.ShardRow;
import org.jspecify.annotations.Nullable;

/**
 * A picture of the plan, in the order of the version.
 *
 * @param fileName the picture
 * @param row what is known of it already; null = a shard says it
 */
record PlanLine(String fileName, @Nullable ShardRow row) {}
