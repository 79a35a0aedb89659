/** Adds adapters to the weights of the model that they are for. */
@NullMarked
package flora.trainer.merge;

import org.jspecify.annotations.NullMarked;
