/**
 * Pictures as the peers see them: decoding with Pillow's rules, Pillow's fixed-point resize, and
 * the processors that turn a picture into a network's input.
 */
@NullMarked
package flora.models.image;

import org.jspecify.annotations.NullMarked;
