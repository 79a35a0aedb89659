/** JSON and YAML from outside as one plain tree: bounded, without types, tags or aliases. */
@NullMarked
package flora.schemas.document;

import org.jspecify.annotations.NullMarked;
