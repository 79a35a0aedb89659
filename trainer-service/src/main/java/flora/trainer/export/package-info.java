/**
 * What a run hands out: the trained adapter in the keys of the programs that load it, with the same
 * bytes every time.
 */
@NullMarked
package flora.trainer.export;

import org.jspecify.annotations.NullMarked;
