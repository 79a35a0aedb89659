/** Tries the hub and its mirrors as they really are. */
@NullMarked
package flora.standalone.live;

import org.jspecify.annotations.NullMarked;
