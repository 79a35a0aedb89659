package flora.standalone.cli;

import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataJsonl;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A dataset's captions as files here: one table, and where it is asked for a text beside each
 * picture. One table only: {@code datasets} refuses a folder with both kinds.
 */
final class CaptionFiles {

  /** The kinds of tables. */
  enum Format {
    CSV,
    JSONL;

    /** The kind that was asked for, else the one that the file's name says. */
    static Format of(Path output, @Nullable Format asked) {
      var name = output.getFileName().toString().toLowerCase(Locale.ROOT);
      var named = name.endsWith(".jsonl") ? JSONL : name.endsWith(".csv") ? CSV : null;
      if (asked != null && named != null && asked != named) {
        throw new InvalidInput(
            "--format %s and --output %s contradict each other"
                .formatted(asked.name().toLowerCase(Locale.ROOT), output));
      }
      return asked != null ? asked : named != null ? named : CSV;
    }
  }

  private final GatewayClient client;
  private final String dataset;

  CaptionFiles(GatewayClient client, String dataset) {
    this.client = client;
    this.dataset = dataset;
  }

  /**
   * Writes the table, whole or not at all, in place of one that is there.
   *
   * @return how many rows it has
   */
  long writeTable(Path output, Format format) throws IOException, InterruptedException {
    var folder = output.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    var part = output.resolveSibling(output.getFileName() + ".part");
    long[] rows = {0};
    try {
      switch (format) {
        case CSV -> {
          try (var in = client.open(table())) {
            Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
          }
          try (var in = Files.newBufferedReader(part)) {
            MetadataCsv.stream(in).forEach(_ -> rows[0]++);
          }
        }
        case JSONL -> {
          try (var out = Files.newBufferedWriter(part)) {
            each(
                row -> {
                  MetadataJsonl.write(out, row);
                  rows[0]++;
                });
          }
        }
      }
      Files.move(part, output, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
    return rows[0];
  }

  /**
   * Writes a text for each picture into a folder, under the picture's name with the ending {@code
   * .txt}.
   *
   * @return how many
   */
  long writeSidecars(Path folder) throws IOException, InterruptedException {
    long[] files = {0};
    each(
        row -> {
          var file = OutputFile.inside(folder, sidecar(row.fileName()));
          try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, row.text() + "\n");
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
          files[0]++;
        });
    return files[0];
  }

  /** Hands over every row of the newest version; nothing when there is none. */
  void each(Consumer<CaptionRow> row) throws IOException, InterruptedException {
    try (var in =
        new BufferedReader(new InputStreamReader(client.open(table()), StandardCharsets.UTF_8))) {
      MetadataCsv.stream(in).forEach(row);
    }
  }

  private String table() {
    return "/v1/datasets/%s/metadata.csv".formatted(dataset);
  }

  /** {@code a.png} → {@code a.txt}. */
  static String sidecar(String picture) {
    int dot = picture.lastIndexOf('.');
    return (dot > picture.lastIndexOf('/') ? picture.substring(0, dot) : picture) + ".txt";
  }
}
