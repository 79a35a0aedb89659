/**
 * Checkpoints: everything that a run needs to go on, written so that half a checkpoint is never
 * seen.
 */
@NullMarked
package flora.trainer.checkpoint;

import org.jspecify.annotations.NullMarked;
