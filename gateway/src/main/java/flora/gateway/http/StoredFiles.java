package flora.gateway.http;

import flora.schemas.store.ObjectRef;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;

/** Files straight from the store, with ranges and conditions; their digest is their ETag. */
@Component
public final class StoredFiles {

  private final ObjectStore store;

  StoredFiles(ObjectStore store) {
    this.store = store;
  }

  /**
   * Sends a file: whole, the range that is asked for, or nothing to somebody who has it.
   *
   * @param name which tells its type and what it is saved as; data, never a key
   * @throws flora.gateway.error.Refusal.RangeUnsatisfiable for a range behind its end
   */
  public void send(
      String name, ObjectRef file, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    var etag = "\"" + file.sha256() + "\"";
    response.setHeader(HttpHeaders.ETAG, etag);
    response.setHeader(HttpHeaders.ACCEPT_RANGES, "bytes");
    var known = request.getHeader(HttpHeaders.IF_NONE_MATCH);
    if (known != null && (known.contains(etag) || known.strip().equals("*"))) {
      response.setStatus(HttpStatus.NOT_MODIFIED.value());
      return;
    }
    var condition = request.getHeader(HttpHeaders.IF_RANGE);
    var range =
        condition == null || condition.equals(etag)
            ? HttpRange.of(request.getHeader(HttpHeaders.RANGE), file.size())
            : Optional.<HttpRange>empty();
    response.setContentType(type(name));
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION,
        ContentDisposition.attachment()
            .filename(name.substring(name.lastIndexOf('/') + 1), StandardCharsets.UTF_8)
            .build()
            .toString());
    response.setHeader("X-Content-Type-Options", "nosniff");
    range.ifPresent(
        r -> {
          response.setStatus(HttpStatus.PARTIAL_CONTENT.value());
          response.setHeader(HttpHeaders.CONTENT_RANGE, r.of(file.size()));
        });
    response.setContentLengthLong(range.map(HttpRange::length).orElse(file.size()));
    if (request.getMethod().equals("HEAD")) {
      return;
    }
    try (var in =
        range.isPresent()
            ? store.open(file.bucket(), file.key(), range.get().first(), range.get().length())
            : store.open(file.bucket(), file.key())) {
      in.transferTo(response.getOutputStream());
    }
  }

  private static String type(String name) {
    var ending = name.substring(name.lastIndexOf('.') + 1);
    return switch (ending) {
      case "json" -> "application/json";
      case "png" -> "image/png";
      case "csv" -> "text/csv;charset=UTF-8";
      default -> "application/octet-stream";
    };
  }
}
