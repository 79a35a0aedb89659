/** What there is to say of a dataset before anything is trained on it. */
@NullMarked
package flora.gateway.check;

import org.jspecify.annotations.NullMarked;
