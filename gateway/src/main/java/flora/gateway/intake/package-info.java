/** Dropped files become runs. */
@NullMarked
package flora.gateway.intake;

import org.jspecify.annotations.NullMarked;
