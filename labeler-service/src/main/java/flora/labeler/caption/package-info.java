/** Captions for pictures that came without one. */
@NullMarked
package flora.labeler.caption;

import org.jspecify.annotations.NullMarked;
