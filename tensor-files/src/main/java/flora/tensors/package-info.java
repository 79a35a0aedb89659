/**
 * Tensor files: safetensors in, safetensors out. Weights are memory-mapped, headers are checked
 * before a byte of data is believed.
 */
@NullMarked
package flora.tensors;

import org.jspecify.annotations.NullMarked;
