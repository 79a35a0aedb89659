/** Everything in one process: broker, store and the four services, on one data folder. */
@NullMarked
package flora.standalone;

import org.jspecify.annotations.NullMarked;
