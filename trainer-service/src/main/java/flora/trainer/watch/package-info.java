/** What is written down of a training while it runs, for people who look at curves. */
@NullMarked
package flora.trainer.watch;

import org.jspecify.annotations.NullMarked;
