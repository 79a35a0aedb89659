package flora.hub.archive;

import flora.schemas.Sha256;
import java.time.Instant;

/**
 * What is known of a blob that lies verified in the store; the content of its marker.
 *
 * @param sha256 digest of the whole file
 * @param size bytes
 * @param verifiedBy what the digest was checked against: {@code lfs-sha256}, {@code git-sha1}
 * @param source host that the bytes came from
 * @param fetchedAt when
 */
public record Verified(
    Sha256 sha256, long size, String verifiedBy, String source, Instant fetchedAt) {}
