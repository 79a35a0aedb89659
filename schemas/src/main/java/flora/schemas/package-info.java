/** Everything two processes must agree on. No Spring, no I/O beyond streams. */
@NullMarked
package flora.schemas;

import org.jspecify.annotations.NullMarked;
