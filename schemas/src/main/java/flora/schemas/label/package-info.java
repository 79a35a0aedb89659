/** What the label stage tells everybody. */
@NullMarked
package flora.schemas.label;

import org.jspecify.annotations.NullMarked;
