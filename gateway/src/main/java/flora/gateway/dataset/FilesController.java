package flora.gateway.dataset;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataException;
import flora.schemas.dataset.MetadataJsonl;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * {@code PUT /v1/datasets/{name}/files/{file}}: a table of captions, or an archive of a whole
 * dataset. Nothing of it is stored before all of it was looked at.
 */
@RestController
final class FilesController {

  private final ObjectStore store;
  private final Incoming incoming;
  private final Upload upload;
  private final long limit;

  FilesController(ObjectStore store, Incoming incoming, GatewayProperties properties) {
    this.store = store;
    this.incoming = incoming;
    limit = properties.maxUpload().toBytes();
    upload = new Upload(store, limit);
  }

  /**
   * What came in.
   *
   * @param files how many files lie in the dataset now because of it
   * @param rows how many captions its tables hold
   * @param size bytes of those files
   * @param skipped some of the names that were left out because nothing reads such files
   */
  record Taken(
      String object, String dataset, long files, long rows, long size, List<String> skipped) {}

  @PutMapping("/v1/datasets/{name}/files/{file}")
  ResponseEntity<Taken> put(
      @PathVariable String name, @PathVariable String file, HttpServletRequest request)
      throws IOException {
    DatasetNames.dataset(name);
    DatasetNames.file(file);
    var ending = file.substring(file.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    if (!List.of("csv", "jsonl", "zip").contains(ending)) {
      throw new Refusal.Invalid(
          "file",
          "expected a table, .csv or .jsonl, or an archive, .zip",
          "pictures go to /v1/datasets/%s/images/{file}".formatted(name));
    }
    var spooled = Files.createTempFile("flora-upload-", "." + ending);
    try {
      spool(request, spooled);
      var taken = ending.equals("zip") ? archive(name, spooled) : table(name, ending, spooled);
      return ResponseEntity.status(201).body(taken);
    } finally {
      Files.deleteIfExists(spooled);
    }
  }

  private void spool(HttpServletRequest request, Path file) throws IOException {
    if (request.getContentLengthLong() > limit) {
      throw new Refusal.TooLarge("the file", limit);
    }
    try (var out = Files.newOutputStream(file)) {
      var buffer = new byte[1 << 16];
      long size = 0;
      var in = request.getInputStream();
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        size += read;
        if (size > limit) {
          throw new Refusal.TooLarge("the file", limit);
        }
        out.write(buffer, 0, read);
      }
    }
  }

  private Taken table(String dataset, String ending, Path file) throws IOException {
    var name = "metadata." + ending;
    long rows;
    try (var in = Files.newInputStream(file)) {
      rows = rows(name, in);
    }
    // before the first file: nothing of it may look dropped
    incoming.manage(dataset);
    store.upload(
        StoreLayout.DATASETS,
        StoreLayout.incoming(dataset) + name,
        file,
        "application/octet-stream");
    return new Taken("upload", dataset, 1, rows, Files.size(file), List.of());
  }

  private Taken archive(String dataset, Path file) throws IOException {
    var archive = new DatasetArchive(file, limit);
    var contents = archive.check(FilesController::rows);
    if (contents.files() == 0) {
      throw new Refusal.Invalid(
          "", "the archive holds neither a picture nor a caption", "look what lies in it");
    }
    incoming.manage(dataset);
    archive.unpack((name, in) -> upload.receive(StoreLayout.incoming(dataset) + name, in, -1));
    return new Taken(
        "upload", dataset, contents.files(), contents.rows(), contents.size(), contents.skipped());
  }

  /** How many captions a table holds; what is no table of captions is refused. */
  private static long rows(String name, InputStream in) throws IOException {
    // a table whose bytes are no UTF-8 would become captions that nobody wrote
    var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    try (var rows =
        name.endsWith(".csv") ? MetadataCsv.stream(reader) : MetadataJsonl.read(reader)) {
      return rows.count();
    } catch (MetadataException e) {
      throw new Refusal.Invalid("", String.valueOf(e.getMessage()), "mend that line");
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof CharacterCodingException) {
        throw new Refusal.Invalid("", name + " is not UTF-8", "save it as UTF-8");
      }
      throw e;
    }
  }
}
