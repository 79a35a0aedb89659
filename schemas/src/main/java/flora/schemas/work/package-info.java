/** Records on the work topics: one per run and stage. */
@NullMarked
package flora.schemas.work;

import org.jspecify.annotations.NullMarked;
