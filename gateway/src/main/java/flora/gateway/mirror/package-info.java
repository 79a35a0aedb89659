/** Where else than at the hub repositories can be had. */
@NullMarked
package flora.gateway.mirror;

import org.jspecify.annotations.NullMarked;
