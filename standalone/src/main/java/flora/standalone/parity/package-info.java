/**
 * {@code flora parity}: holds this program against golden tensors that the Python peers computed,
 * for whatever configurations lie in a folder.
 */
@NullMarked
package flora.standalone.parity;

import org.jspecify.annotations.NullMarked;
