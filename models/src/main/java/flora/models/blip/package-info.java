/**
 * BLIP (<a href="https://arxiv.org/abs/2201.12086">Li et al. 2022</a>): captions for pictures,
 * equal to transformers' BlipForConditionalGeneration.
 */
@NullMarked
package flora.models.blip;

import org.jspecify.annotations.NullMarked;
