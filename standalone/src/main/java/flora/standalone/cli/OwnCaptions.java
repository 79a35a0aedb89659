package flora.standalone.cli;

import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataException;
import flora.schemas.dataset.MetadataJsonl;
import flora.standalone.client.GatewayClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Knows the captions that an earlier {@code flora label} left in a folder: those that are as the
 * server has them. They are not sent back, or else they would count as a person's and never be made
 * anew. What somebody has changed since is sent.
 */
final class OwnCaptions {

  private final Map<String, CaptionRow> known = new HashMap<>();
  private final Map<String, String> sidecars = new HashMap<>();

  private OwnCaptions() {}

  /** What the server has; nothing when it does not know the dataset yet. */
  static OwnCaptions of(GatewayClient client, String dataset)
      throws IOException, InterruptedException {
    var own = new OwnCaptions();
    try {
      new CaptionFiles(client, dataset).each(own::add);
    } catch (GatewayClient.Refused e) {
      if (e.status() != 404) {
        throw e;
      }
    }
    return own;
  }

  private void add(CaptionRow row) {
    known.put(row.fileName(), row);
    sidecars.put(CaptionFiles.sidecar(row.fileName()), row.text().strip());
  }

  /**
   * Whether a file of captions says only what the server has.
   *
   * @param name relative to the folder that is uploaded, with {@code /}
   */
  boolean isOwn(Path file, String name) throws IOException {
    if (known.isEmpty()) {
      return false;
    }
    boolean isTable = name.endsWith(".csv") || name.endsWith(".jsonl");
    return isTable ? isOwnTable(file) : isOwn(name, file);
  }

  private boolean isOwn(String sidecar, Path file) throws IOException {
    if (Files.size(file) > 1 << 20) {
      return false;
    }
    return Files.readString(file).strip().equals(sidecars.get(sidecar));
  }

  private boolean isOwnTable(Path file) throws IOException {
    try (var in = Files.newBufferedReader(file)) {
      var rows =
          file.getFileName().toString().endsWith(".csv")
              ? MetadataCsv.stream(in)
              : MetadataJsonl.read(in);
      return rows.allMatch(row -> row.equals(known.get(row.fileName())));
    } catch (MetadataException | UncheckedIOException e) {
      return false; // the server says what is wrong with it
    }
  }
}
