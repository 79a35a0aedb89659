/** A run's events, replayed and live, as server-sent events. */
@NullMarked
package flora.gateway.progress;

import org.jspecify.annotations.NullMarked;
