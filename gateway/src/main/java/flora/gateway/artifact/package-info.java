/** Files that runs left, with ranges. */
@NullMarked
package flora.gateway.artifact;

import org.jspecify.annotations.NullMarked;
