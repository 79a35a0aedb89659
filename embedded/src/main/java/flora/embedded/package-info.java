/**
 * A real Kafka broker and a real S3 endpoint inside the JVM, on a data folder: what the standalone
 * product runs on, and what every integration test runs against.
 */
@NullMarked
package flora.embedded;

import org.jspecify.annotations.NullMarked;
