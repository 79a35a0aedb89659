/** Models that lie in one file with the keys of latent diffusion, and one face for both layouts. */
@NullMarked
package flora.models.singlefile;

import org.jspecify.annotations.NullMarked;
