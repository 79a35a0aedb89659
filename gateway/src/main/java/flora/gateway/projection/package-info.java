/** Events into runs.v1, and the second look at runs that nobody works on. */
@NullMarked
package flora.gateway.projection;

import org.jspecify.annotations.NullMarked;
