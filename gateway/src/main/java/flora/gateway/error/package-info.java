/** Failures as problem documents: the only place with status codes. */
@NullMarked
package flora.gateway.error;

import org.jspecify.annotations.NullMarked;
