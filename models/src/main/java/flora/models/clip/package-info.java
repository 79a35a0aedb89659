/**
 * CLIP (<a href="https://arxiv.org/abs/2103.00020">Radford et al. 2021</a>): pictures and texts in
 * one space. Its text half is also what Stable Diffusion reads prompts with.
 */
@NullMarked
package flora.models.clip;

import org.jspecify.annotations.NullMarked;
