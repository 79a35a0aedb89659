/**
 * Bytes by key: one small interface over whatever S3 there is, and a local cache that believes
 * digests only.
 */
@NullMarked
package flora.store;

import org.jspecify.annotations.NullMarked;
