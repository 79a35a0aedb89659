/** Values that are too many for memory: on disk, found again by their keys. */
@NullMarked
package flora.labeler.spool;

import org.jspecify.annotations.NullMarked;
