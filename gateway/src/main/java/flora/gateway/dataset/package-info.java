/** Pictures in, captions out. */
@NullMarked
package flora.gateway.dataset;

import org.jspecify.annotations.NullMarked;
