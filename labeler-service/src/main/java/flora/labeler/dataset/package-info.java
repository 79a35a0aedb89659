/** The dataset version as it is written to the store. */
@NullMarked
package flora.labeler.dataset;

import org.jspecify.annotations.NullMarked;
