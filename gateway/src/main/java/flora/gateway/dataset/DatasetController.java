package flora.gateway.dataset;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.schemas.Names;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/datasets}: pictures in, captions out. */
@RestController
final class DatasetController {

  private static final int LONGEST_NAME = 255;

  private final Incoming incoming;
  private final LatestVersion latest;
  private final Upload upload;

  DatasetController(ObjectStore store, Incoming incoming, GatewayProperties properties) {
    this.incoming = incoming;
    latest = new LatestVersion(store);
    upload = new Upload(store, properties.maxUpload().toBytes());
  }

  /** A file that has come in. */
  record Uploaded(String object, String dataset, String name, long size, String sha256) {}

  @PutMapping("/v1/datasets/{name}/images/{file}")
  ResponseEntity<Uploaded> put(
      @PathVariable String name, @PathVariable String file, HttpServletRequest request)
      throws IOException {
    dataset(name);
    file(file);
    // before the first file: nothing of it may look dropped
    incoming.manage(name);
    var done =
        upload.receive(
            StoreLayout.incoming(name) + file,
            request.getInputStream(),
            request.getContentLengthLong());
    return ResponseEntity.status(201)
        .body(new Uploaded("file", name, file, done.size(), done.sha256().hex()));
  }

  @GetMapping("/v1/datasets/{name}/metadata.csv")
  void metadata(@PathVariable String name, HttpServletResponse response) throws IOException {
    dataset(name);
    var csv = latest.metadata(name);
    response.setContentType("text/csv;charset=UTF-8");
    response.setContentLength(csv.length);
    response.setHeader(HttpHeaders.CONTENT_DISPOSITION, "attachment; filename=\"metadata.csv\"");
    response.getOutputStream().write(csv);
  }

  private static void dataset(String name) {
    if (!Names.isSafe(name)) {
      throw new Refusal.Invalid(
          "name", "the dataset's name is not " + Names.RULE, "choose such a name");
    }
  }

  /**
   * The original name of a picture is kept as it is, but it must be one: no path, nothing hidden.
   */
  private static void file(String name) {
    var bad =
        name.isBlank()
            || name.startsWith(".")
            || name.contains("/")
            || name.contains("\\")
            || name.chars().anyMatch(Character::isISOControl)
            || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME;
    if (bad) {
      throw new Refusal.Invalid(
          "file",
          "the file's name is not a plain name: no path, no leading dot, at most %d bytes"
              .formatted(LONGEST_NAME),
          "send the name alone");
    }
    if (FileKind.of(name) == FileKind.OTHER) {
      throw new Refusal.Invalid(
          "file",
          "the file's ending is not known: expected a picture ("
              + String.join(" ", FileKind.IMAGES.stream().sorted().toList())
              + "), metadata.csv, flora.yaml or the .txt beside a picture",
          "convert it, or name it as what it is");
    }
  }
}
