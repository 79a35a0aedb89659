/** How each kind of adapter is trained: one file a recipe, read from top to bottom. */
@NullMarked
package flora.trainer.recipe;

import org.jspecify.annotations.NullMarked;
