/** The run as the outside sees it, and the pure join of its events. */
@NullMarked
package flora.schemas.run;

import org.jspecify.annotations.NullMarked;
