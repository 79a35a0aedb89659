/**
 * Networks on DJL and what they need to be the peers' equals: configuration files, tokenizers,
 * image processors, schedulers. This package holds what they all share.
 */
@NullMarked
package flora.models;

import org.jspecify.annotations.NullMarked;
