/** What is wrong with a dataset, found before any time is spent on training. */
@NullMarked
package flora.labeler.check;

import org.jspecify.annotations.NullMarked;
