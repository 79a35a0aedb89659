/**
 * Tokenizers, driven by the files that lie beside a model and equal to the peers' fast tokenizers.
 */
@NullMarked
package flora.models.tokenizer;

import org.jspecify.annotations.NullMarked;
