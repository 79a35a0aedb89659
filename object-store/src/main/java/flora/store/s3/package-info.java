/** The object store over the MinIO client: MinIO, s3proxy, any S3. */
@NullMarked
package flora.store.s3;

import org.jspecify.annotations.NullMarked;
