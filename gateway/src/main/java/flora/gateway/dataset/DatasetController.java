package flora.gateway.dataset;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.schemas.dataset.PictureNames;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/datasets}: pictures in, captions out. */
@RestController
final class DatasetController {

  private final Incoming incoming;
  private final LatestVersion latest;
  private final CaptionEdits edits;
  private final Upload upload;

  DatasetController(ObjectStore store, Incoming incoming, GatewayProperties properties) {
    this.incoming = incoming;
    latest = new LatestVersion(store);
    edits = new CaptionEdits(store);
    upload = new Upload(store, properties.maxUpload().toBytes());
  }

  /** A file that has come in. */
  record Uploaded(String object, String dataset, String name, long size, String sha256) {}

  @PutMapping("/v1/datasets/{name}/images/{file}")
  ResponseEntity<Uploaded> put(
      @PathVariable String name, @PathVariable String file, HttpServletRequest request)
      throws IOException {
    DatasetNames.dataset(name);
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
  void csv(@PathVariable String name, HttpServletResponse response) throws IOException {
    send(name, "metadata.csv", "text/csv;charset=UTF-8", response, Export::csv);
  }

  @GetMapping("/v1/datasets/{name}/metadata.jsonl")
  void jsonl(@PathVariable String name, HttpServletResponse response) throws IOException {
    send(name, "metadata.jsonl", "application/x-ndjson", response, Export::jsonl);
  }

  @GetMapping("/v1/datasets/{name}/labels.jsonl")
  void labels(@PathVariable String name, HttpServletResponse response) throws IOException {
    send(name, "labels.jsonl", "application/x-ndjson", response, Export::labels);
  }

  @GetMapping("/v1/datasets/{name}/captions.zip")
  void zip(@PathVariable String name, HttpServletResponse response) throws IOException {
    send(name, "captions.zip", "application/zip", response, Export::zip);
  }

  @GetMapping("/v1/datasets/{name}/report")
  void report(@PathVariable String name, HttpServletResponse response) throws IOException {
    DatasetNames.dataset(name);
    try (var report = latest.open(latest.get(name), LatestVersion.REPORT)) {
      response.setContentType("application/json");
      report.transferTo(response.getOutputStream());
    }
  }

  private interface Form {
    void write(Export export, OutputStream out) throws IOException;
  }

  private void send(String name, String file, String type, HttpServletResponse response, Form form)
      throws IOException {
    DatasetNames.dataset(name);
    var export = new Export(latest, latest.get(name), edits.all(name));
    response.setContentType(type);
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION, "attachment; filename=\"%s\"".formatted(file));
    form.write(export, response.getOutputStream());
  }

  private static void file(String name) {
    DatasetNames.file(name);
    if (FileKind.of(name) == FileKind.OTHER) {
      throw new Refusal.Invalid(
          "file",
          "the file's ending is not known: expected a picture ("
              + String.join(" ", PictureNames.ENDINGS)
              + "), metadata.csv, flora.yaml or the .txt beside a picture",
          "convert it, or name it as what it is");
    }
  }
}
