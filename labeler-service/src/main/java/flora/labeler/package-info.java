/**
 * The label stage: pictures of a dataset in, a dataset version with captions out. Read {@code
 * LabelerFlow} first.
 */
@NullMarked
package flora.labeler;

import org.jspecify.annotations.NullMarked;
