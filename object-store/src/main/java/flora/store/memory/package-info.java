/** The object store as a map, for tests: the same contract without a network. */
@NullMarked
package flora.store.memory;

import org.jspecify.annotations.NullMarked;
