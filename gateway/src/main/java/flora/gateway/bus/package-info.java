/** Topics, records and clients of Kafka, as the gateway uses them. */
@NullMarked
package flora.gateway.bus;

import org.jspecify.annotations.NullMarked;
