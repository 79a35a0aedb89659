/** What is to be done for a dataset version, and the version as it is written to the store. */
@NullMarked
package flora.labeler.dataset;

import org.jspecify.annotations.NullMarked;
