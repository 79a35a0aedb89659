/**
 * Noise schedules and samplers of diffusion models, driven by {@code scheduler_config.json} and
 * equal to diffusers'. Plain arithmetic on Java arrays: latents are small, networks are not here.
 */
@NullMarked
package flora.models.scheduler;

import org.jspecify.annotations.NullMarked;
