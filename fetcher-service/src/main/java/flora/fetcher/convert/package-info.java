/**
 * Pickled weights become safetensors, from the store into the store: no stage behind the fetch ever
 * sees a pickle.
 */
@NullMarked
package flora.fetcher.convert;

import org.jspecify.annotations.NullMarked;
