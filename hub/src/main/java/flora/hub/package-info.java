/**
 * A hub as its client sees it: which commit a revision is, which files it has, and their bytes.
 * Speaks what the Hugging Face Hub speaks; every failure has a name.
 */
@NullMarked
package flora.hub;

import org.jspecify.annotations.NullMarked;
