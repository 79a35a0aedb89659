/**
 * Random numbers as pure functions of their place, so that training can stop anywhere and go on
 * with the same numbers.
 */
@NullMarked
package flora.models.random;

import org.jspecify.annotations.NullMarked;
