package flora.fetcher.download;

import flora.schemas.Json;
import java.time.Instant;
import java.util.List;
import tools.jackson.core.JacksonException;

/**
 * How far the fetch of a large file has come; lies beside the blobs while it is under way. The
 * parts that the store lists are the truth, this adds what the store does not know. Whoever wants
 * to change it must have read it: every write is conditional, and so it is the claim as well.
 *
 * @param uploadId of the multipart upload; empty while it is begun
 * @param fileSize bytes of the whole file
 * @param partSize bytes of every part but the last
 * @param epoch one more with every owner
 * @param owner who is at it; empty for nobody
 * @param expires when the owner is gone for certain, by its own clock
 * @param parts what has been stored, as far as the owner has got round to writing it down
 */
record UploadState(
    String uploadId,
    long fileSize,
    int partSize,
    long epoch,
    String owner,
    Instant expires,
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

  UploadState by(String newOwner, Instant until, String upload, List<StoredPart> itsParts) {
    return new UploadState(upload, fileSize, partSize, epoch, newOwner, until, itsParts);
  }

  /** Whether its owner got so far as to write the upload down. */
  boolean hasUpload() {
    return !uploadId.isEmpty();
  }

  /** Reads a state; what is none is nobody's, and names no upload. */
  static UploadState parse(byte[] json) {
    try {
      return Json.read(json, UploadState.class);
    } catch (JacksonException | NullPointerException e) {
      return new UploadState("", 0, 0, 0, "", Instant.EPOCH, List.of());
    }
  }
}
