/** Repositories as one file, for networks without a hub: a tar with a list, its files by digest. */
@NullMarked
package flora.gateway.bundle;

import org.jspecify.annotations.NullMarked;
