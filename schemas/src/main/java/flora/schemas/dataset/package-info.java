/** metadata.csv and the other files of a dataset version. */
@NullMarked
package flora.schemas.dataset;

import org.jspecify.annotations.NullMarked;
