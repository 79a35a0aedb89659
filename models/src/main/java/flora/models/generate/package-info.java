/**
 * Text out of networks that tell the next token: greedy and beam search, equal to transformers'.
 */
@NullMarked
package flora.models.generate;

import org.jspecify.annotations.NullMarked;
