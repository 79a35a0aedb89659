/** Getting files: streamed into the store, digests checked, nothing visible that is not whole. */
@NullMarked
package flora.fetcher.download;

import org.jspecify.annotations.NullMarked;
