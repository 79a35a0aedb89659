/** What is done with the pictures of a dataset, a part of it at a time. */
@NullMarked
package flora.labeler.work;

import org.jspecify.annotations.NullMarked;
