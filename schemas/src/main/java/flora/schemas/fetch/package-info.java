/** What the fetch stage tells everybody. */
@NullMarked
package flora.schemas.fetch;

import org.jspecify.annotations.NullMarked;
