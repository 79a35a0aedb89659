/** Where things lie in the object store, and what a reference to a thing looks like. */
@NullMarked
package flora.schemas.store;

import org.jspecify.annotations.NullMarked;
