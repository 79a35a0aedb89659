package flora.gateway.dataset;

import flora.schemas.Json;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataJsonl;
import flora.schemas.dataset.SidecarNames;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import tools.jackson.databind.node.ObjectNode;

/**
 * The captions of a version in the forms that people want them in. What people have written over
 * captions since the version was made is laid over it: an edit shows at once. Everything is passed
 * on row by row.
 */
final class Export {

  private final LatestVersion versions;
  private final DatasetLatest latest;
  private final Map<String, String> edits;

  Export(LatestVersion versions, DatasetLatest latest, Map<String, String> edits) {
    this.versions = versions;
    this.latest = latest;
    this.edits = edits;
  }

  /** {@code file_name,text}, and {@code label} where there are classes. */
  void csv(OutputStream out) throws IOException {
    versions.rows(
        latest,
        (rows, labels) -> {
          var table = writer(out);
          table.write(MetadataCsv.header(labels));
          while (rows.hasNext()) {
            table.write(MetadataCsv.line(edited(rows.next()), labels));
          }
          return flushed(table);
        });
  }

  /** The same, an object a line. */
  void jsonl(OutputStream out) throws IOException {
    versions.rows(
        latest,
        (rows, _) -> {
          var table = writer(out);
          while (rows.hasNext()) {
            MetadataJsonl.write(table, edited(rows.next()));
          }
          return flushed(table);
        });
  }

  /** Everything that is known of each caption. */
  void labels(OutputStream out) throws IOException {
    try (var in =
        new BufferedReader(
            new InputStreamReader(versions.open(latest, "labels.jsonl"), StandardCharsets.UTF_8))) {
      var table = writer(out);
      for (var line = in.readLine(); line != null; line = in.readLine()) {
        table.write(edits.isEmpty() ? line : edited(line));
        table.write('\n');
      }
      flushed(table);
    }
  }

  /** A text file for each picture, named as the picture and lying where it does. */
  void zip(OutputStream out) throws IOException {
    versions.rows(
        latest,
        (rows, _) -> {
          var zip = new ZipOutputStream(out, StandardCharsets.UTF_8);
          var names = new SidecarNames();
          while (rows.hasNext()) {
            var row = rows.next();
            // the same time in every archive: the same captions are the same bytes
            var entry = new ZipEntry(names.of(SidecarNames.within(row.fileName())));
            entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
            zip.putNextEntry(entry);
            zip.write((edited(row).text() + "\n").getBytes(StandardCharsets.UTF_8));
            zip.closeEntry();
          }
          zip.finish();
          zip.flush();
          return true;
        });
  }

  private CaptionRow edited(CaptionRow row) {
    var text = edits.get(row.fileName());
    return text == null ? row : new CaptionRow(row.fileName(), text, row.label());
  }

  private String edited(String line) {
    if (!(Json.mapper().readTree(line) instanceof ObjectNode row)) {
      return line;
    }
    var text = edits.get(row.path("file_name").asString(""));
    if (text == null) {
      return line;
    }
    row.put("text", text);
    if (row.has("source")) {
      row.put("source", "edit");
      row.putNull("recipe");
      row.put("cut_tokens", 0);
    }
    return Json.mapper().writeValueAsString(row);
  }

  private static Writer writer(OutputStream out) {
    return new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), 1 << 16);
  }

  private static boolean flushed(Writer table) throws IOException {
    table.flush();
    return true;
  }
}
