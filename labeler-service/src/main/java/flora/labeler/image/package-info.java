/** Which objects of a dataset are pictures, what captions came with them, and their pixels. */
@NullMarked
package flora.labeler.image;

import org.jspecify.annotations.NullMarked;
