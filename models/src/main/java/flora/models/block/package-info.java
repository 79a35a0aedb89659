/**
 * The layers that all networks are made of. Each takes its sizes and its {@link
 * flora.models.weights.Weights}; a child's name is its checkpoint key.
 */
@NullMarked
package flora.models.block;

import org.jspecify.annotations.NullMarked;
