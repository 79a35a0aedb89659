/** How lists are cut into pages. */
@NullMarked
package flora.gateway.page;

import org.jspecify.annotations.NullMarked;
