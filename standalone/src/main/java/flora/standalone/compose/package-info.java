/**
 * docker-compose.yml without Docker: reads the file and starts each service's command with its
 * environment as a process on this machine, so that the containers' configuration is tested where
 * no daemon is.
 */
@NullMarked
package flora.standalone.compose;

import org.jspecify.annotations.NullMarked;
