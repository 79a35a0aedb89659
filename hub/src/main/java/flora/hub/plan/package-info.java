/**
 * Which repositories a request names and which of their files it gets. Decides, and moves nothing.
 */
@NullMarked
package flora.hub.plan;

import org.jspecify.annotations.NullMarked;
