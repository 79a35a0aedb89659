/**
 * Verified files in the object store: blobs by digest, markers that say so, manifests that name
 * them. The marker comes after the blob and the manifest after all markers.
 */
@NullMarked
package flora.hub.archive;

import org.jspecify.annotations.NullMarked;
