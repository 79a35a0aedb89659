/**
 * The train stage: a dataset version and a base model in, an adapter out. The first class to open
 * is {@link flora.trainer.recipe.StableDiffusionLoraRecipe}.
 */
@NullMarked
package flora.trainer;

import org.jspecify.annotations.NullMarked;
