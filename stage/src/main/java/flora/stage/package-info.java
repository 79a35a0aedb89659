/**
 * What every stage does around its own work: take a run from the queue, hold the lease, obey
 * control, publish events, hand on.
 */
@NullMarked
package flora.stage;

import org.jspecify.annotations.NullMarked;
