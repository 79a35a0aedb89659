/**
 * Measures the fetcher beside its peers and the machine's own limits: servers, engine and peers are
 * processes of their own, side by side in one run.
 */
@NullMarked
package flora.standalone.bench;

import org.jspecify.annotations.NullMarked;
