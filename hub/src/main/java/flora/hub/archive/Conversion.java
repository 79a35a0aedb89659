package flora.hub.archive;

import flora.schemas.Sha256;

/**
 * Which blob a pickle became; lies under the pickle's digest.
 *
 * @param sha256 digest of what it became
 * @param size bytes of that
 * @param converterVersion of the code that made it: another version may write other bytes
 */
record Conversion(Sha256 sha256, long size, int converterVersion) {}
