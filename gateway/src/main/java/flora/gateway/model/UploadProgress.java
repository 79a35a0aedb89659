package flora.gateway.model;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.store.UploadedPart;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * How far the upload of a model's file has come. The names are those of a download's state, so that
 * what sweeps the left-overs of downloads knows which parts are wanted.
 *
 * @param uploadId the store's name of the upload
 * @param fileSize of the whole file
 * @param partSize of every part but the last
 * @param epoch one more with every beginning from the start
 * @param owner always empty
 * @param expires always past
 * @param parts that lie in the store, in order
 * @param sha256 what the client says that the whole file has; null when it does not say
 */
record UploadProgress(
    String uploadId,
    long fileSize,
    int partSize,
    long epoch,
    String owner,
    Instant expires,
    List<Part> parts,
    @Nullable String sha256) {

  /** A part; of its bytes and where they came from an upload knows no more. */
  record Part(int number, String etag, long size, long crc32c, List<String> sources) {
    static Part of(UploadedPart part) {
      return new Part(part.number(), part.etag(), part.size(), 0, List.of());
    }

    UploadedPart uploaded() {
      return new UploadedPart(number, etag, size);
    }
  }

  UploadProgress {
    parts = List.copyOf(parts);
  }

  static UploadProgress begun(
      String uploadId, long fileSize, int partSize, long epoch, @Nullable String sha256) {
    return new UploadProgress(
        uploadId, fileSize, partSize, epoch, "", Instant.EPOCH, List.of(), sha256);
  }

  UploadProgress with(UploadedPart part) {
    var all = new ArrayList<>(parts);
    all.add(Part.of(part));
    return new UploadProgress(uploadId, fileSize, partSize, epoch, owner, expires, all, sha256);
  }

  /** From which byte on the file is missing. */
  long offset() {
    return parts.stream().mapToLong(Part::size).sum();
  }

  /** Whether the parts may be those of a file with this digest; null = nobody says. */
  boolean mayBecome(@Nullable Sha256 said) {
    return said == null || sha256 == null || sha256.equals(said.hex());
  }

  /** What is none is as good as nothing. */
  static @Nullable UploadProgress parse(byte[] json) {
    try {
      return Json.read(json, UploadProgress.class);
    } catch (JacksonException | NullPointerException e) {
      return null;
    }
  }
}
