package flora.fetcher.download;

import flora.schemas.Json;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/**
 * How far the fetch of a large file has come; lies beside the blobs while it is under way. The
 * parts that the store lists are the truth, this adds what the store does not know. Whoever wants
 * to change it must have read it: every write is conditional, and so it is the claim as well.
 *
 * @param uploadId of the multipart upload
 * @param fileSize bytes of the whole file
 * @param partSize bytes of every part but the last
 * @param epoch one more with every owner
 * @param owner who is at it; empty for nobody
 * @param heardAt when the owner wrote this, by its own clock
 * @param parts what has been stored, as far as the owner has got round to writing it down
 */
record UploadState(
    String uploadId,
    long fileSize,
    int partSize,
    long epoch,
    String owner,
    Instant heardAt,
    List<StoredPart> parts) {

  /**
   * A part that lies in the store.
   *
   * @param number from 1
   * @param etag of the store
   * @param size bytes
   * @param crc32c of its bytes as they came: tells whether the store gives back what it was given
   * @param sources who gave them
   */
  record StoredPart(int number, String etag, long size, long crc32c, List<String> sources) {
    StoredPart {
      sources = List.copyOf(sources);
    }
  }

  UploadState {
    parts = List.copyOf(parts);
  }

  boolean isFree() {
    return owner.isEmpty();
  }

  long storedBytes() {
    return parts.stream().mapToLong(StoredPart::size).sum();
  }

  UploadState by(String newOwner, Instant now, List<StoredPart> newParts) {
    return new UploadState(uploadId, fileSize, partSize, epoch, newOwner, now, newParts);
  }

  /** Empty for what is not ours: then it is thrown away. */
  static Optional<UploadState> parse(byte[] json) {
    try {
      return Optional.of(Json.read(json, UploadState.class));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }
}
