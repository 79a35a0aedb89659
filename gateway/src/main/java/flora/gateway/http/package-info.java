/** Bodies in, files out: what several controllers do alike. */
@NullMarked
package flora.gateway.http;

import org.jspecify.annotations.NullMarked;
