/** The run request: what a person asks for, validated and with every default filled in. */
@NullMarked
package flora.schemas.request;

import org.jspecify.annotations.NullMarked;
