/**
 * The REST interface as seen from the command line and the demo: a client, a folder's upload, and a
 * run told on the terminal.
 */
@NullMarked
package flora.standalone.client;

import org.jspecify.annotations.NullMarked;
