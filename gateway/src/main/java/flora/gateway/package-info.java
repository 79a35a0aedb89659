/**
 * HTTP in, work and notices out; events in, the state of runs out; dropped files become runs. Read
 * {@code run.RunController} first, then {@code projection.Projection}.
 */
@NullMarked
package flora.gateway;

import org.jspecify.annotations.NullMarked;
