/**
 * What a training run reads, and when: the pictures and captions of one dataset version, in an
 * order that depends on nothing but the seed.
 */
@NullMarked
package flora.trainer.data;

import org.jspecify.annotations.NullMarked;
