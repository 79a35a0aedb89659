/**
 * What a training step is made of: the loss, gradients over several batches, the optimizer, the
 * course of the learning rate. The recipes that use them live in the trainer.
 */
@NullMarked
package flora.models.train;

import org.jspecify.annotations.NullMarked;
