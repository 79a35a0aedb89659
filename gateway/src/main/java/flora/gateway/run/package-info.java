/** Runs over HTTP: submit, list, show, cancel; and what the gateway knows of them. */
@NullMarked
package flora.gateway.run;

import org.jspecify.annotations.NullMarked;
