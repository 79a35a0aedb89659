/** What the train stage tells everybody; training.events.v1 is the topic people subscribe to. */
@NullMarked
package flora.schemas.training;

import org.jspecify.annotations.NullMarked;
