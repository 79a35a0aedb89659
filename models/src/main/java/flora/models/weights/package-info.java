/**
 * Weights of a network as mapped arrays by checkpoint key, and the layers that an adapter may
 * change.
 */
@NullMarked
package flora.models.weights;

import org.jspecify.annotations.NullMarked;
