/**
 * Measures the fetcher and the labeler beside their peers and the machine's own limits: servers,
 * engines and peers are processes of their own, side by side in one run.
 */
@NullMarked
package flora.standalone.bench;

import org.jspecify.annotations.NullMarked;
