/** {@code ./flora demo}: the whole chain on bundled models, and whether the style was learned. */
@NullMarked
package flora.standalone.demo;

import org.jspecify.annotations.NullMarked;
