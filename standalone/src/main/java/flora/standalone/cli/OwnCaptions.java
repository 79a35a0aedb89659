package flora.standalone.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataException;
import flora.schemas.dataset.SidecarNames;
import flora.standalone.client.GatewayClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Knows the captions that an earlier {@code flora label} left in a folder: those that are as the
 * server has them. They are not sent back, or else they would count as a person's and never be made
 * anew. What somebody has changed since is sent.
 */
final class OwnCaptions {

  private final Map<String, CaptionRow> known = new HashMap<>();
  private final Map<String, String> sidecars = new HashMap<>();
  private final SidecarNames names = new SidecarNames();

  /** Files that were found to be Flora's own, by name. */
  private final Map<String, Path> found = new TreeMap<>();

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
    sidecars.put(names.of(row.fileName()), row.text().strip());
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
    boolean isOwn = isTable(name) ? isOwnTable(file) : isOwnSidecar(name, file);
    if (isOwn) {
      found.put(name, file);
    }
    return isOwn;
  }

  /** Whether this text lay beside a picture and is Flora's own. */
  boolean isFound(String sidecar) {
    return found.containsKey(sidecar);
  }

  /** The tables of Flora's own that lay at the top, where it writes them. */
  List<Path> tables() {
    return found.entrySet().stream()
        .filter(each -> isTable(each.getKey()) && !each.getKey().contains("/"))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static boolean isTable(String name) {
    return name.endsWith(".csv") || name.endsWith(".jsonl");
  }

  private boolean isOwnSidecar(String name, Path file) throws IOException {
    var text = sidecars.get(name);
    return text != null && says(file, text);
  }

  /** Whether a file holds a text and nothing else; by bytes, since it may be no UTF-8. */
  static boolean says(Path file, String text) throws IOException {
    return Files.size(file) <= 1 << 20
        && Arrays.equals(stripped(Files.readAllBytes(file)), text.getBytes(UTF_8));
  }

  private static byte[] stripped(byte[] bytes) {
    return new String(bytes, ISO_8859_1)
        .replaceAll("^[ \\t\r\n]+|[ \\t\r\n]+$", "")
        .getBytes(ISO_8859_1);
  }

  private boolean isOwnTable(Path file) throws IOException {
    try (var in = Files.newBufferedReader(file)) {
      return CaptionFiles.Format.of(file, null)
          .rows(in)
          .allMatch(row -> row.equals(known.get(row.fileName())));
    } catch (MetadataException | UncheckedIOException e) {
      return false; // the server says what is wrong with it
    }
  }
}
