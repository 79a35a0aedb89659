/**
 * Low-rank adapters: which layers get one, the two matrices of each, and the keys that other
 * programs store them under.
 */
@NullMarked
package flora.models.lora;

import org.jspecify.annotations.NullMarked;
