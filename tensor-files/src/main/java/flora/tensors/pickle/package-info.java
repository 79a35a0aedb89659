/**
 * Weights that PyTorch saved as a pickle, read without running any of it, and written as
 * safetensors.
 *
 * <p>A pickle is a program. The one here runs on a machine that knows tensors and nothing else:
 * every opcode and every global that a checkpoint of tensors does not need is refused by name.
 */
@NullMarked
package flora.tensors.pickle;

import org.jspecify.annotations.NullMarked;
