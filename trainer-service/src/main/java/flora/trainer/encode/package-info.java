/**
 * What the frozen networks make of pictures and captions, once: latents and text embeddings, in
 * memory and in the store.
 */
@NullMarked
package flora.trainer.encode;

import org.jspecify.annotations.NullMarked;
