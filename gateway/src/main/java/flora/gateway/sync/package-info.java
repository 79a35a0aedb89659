/** Repositories that follow their hub: compared by schedule, fetched when the upstream moved. */
@NullMarked
package flora.gateway.sync;

import org.jspecify.annotations.NullMarked;
