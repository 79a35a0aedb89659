/**
 * The flora command line: thin clients of the REST interface, and the commands that need none.
 * Where no server answers, a command starts one in its own process for as long as it runs.
 */
@NullMarked
package flora.standalone.cli;

import org.jspecify.annotations.NullMarked;
