/** What stays in the store and what goes: pins, and the clean-up by last use. */
@NullMarked
package flora.gateway.keep;

import org.jspecify.annotations.NullMarked;
