/**
 * A hub on loopback that speaks as the Hugging Face Hub does, serves folders, and misbehaves when
 * told to. It knows nothing of Flora: the demo downloads from it, and tests are hard on it.
 */
@NullMarked
package flora.fakehub;

import org.jspecify.annotations.NullMarked;
