/**
 * Stable Diffusion 1.x and 2.x as diffusers lays them out: the UNet, the autoencoder, text to
 * picture. Every class takes its configuration from the model's own {@code config.json}.
 */
@NullMarked
package flora.models.stablediffusion;

import org.jspecify.annotations.NullMarked;
