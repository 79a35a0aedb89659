package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataException;
import flora.schemas.dataset.MetadataJsonl;
import flora.schemas.dataset.SidecarNames;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

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

    /** The rows of a table of this kind. */
    Stream<CaptionRow> rows(BufferedReader in) throws IOException {
      return switch (this) {
        case CSV -> MetadataCsv.stream(in);
        case JSONL -> MetadataJsonl.read(in);
      };
    }
  }

  /** What a table can say that is written again. */
  private static final Set<String> COLUMNS =
      Set.of("file_name", "filename", "text", "prompt", "label");

  private static final List<String> TABLES = List.of("metadata.csv", "metadata.jsonl");

  private final GatewayClient client;
  private final String dataset;

  CaptionFiles(GatewayClient client, String dataset) {
    this.client = client;
    this.dataset = dataset;
  }

  /**
   * Makes sure, before anything is done for it, that a table can be written there.
   *
   * @throws InvalidInput when not, and when {@code datasets} would refuse the folder with it
   */
  static void require(Path output) throws IOException {
    if (Files.isDirectory(output)) {
      throw new InvalidInput(
          "--output %s is a folder: name a file in it, such as %s"
              .formatted(output, output.resolve(TABLES.getFirst())));
    }
    var name = output.getFileName().toString();
    for (var other : TABLES) {
      var beside = output.resolveSibling(other);
      if (TABLES.contains(name) && !name.equals(other) && Files.isRegularFile(beside)) {
        throw new InvalidInput(
            "%s lies there already, and a folder with both kinds cannot be loaded: remove it, or write --output %s"
                .formatted(beside, beside));
      }
    }
    var folder = output.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
  }

  /** How many pictures of the dataset are not among some. */
  long others(Predicate<String> pictures) throws IOException, InterruptedException {
    long[] others = {0};
    each(_ -> others[0]++, pictures.negate());
    return others[0];
  }

  /**
   * Writes the table, whole or not at all, in place of one that is there.
   *
   * @param pictures which of them, by name: the server may know of more than lie here
   */
  void writeTable(Path output, Format format, Predicate<String> pictures)
      throws IOException, InterruptedException {
    var folder = output.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    var part = output.resolveSibling(output.getFileName() + ".part");
    try {
      try (var out = Files.newBufferedWriter(part)) {
        switch (format) {
          case CSV -> {
            boolean labels = hasClasses();
            out.write(MetadataCsv.header(labels));
            each(row -> write(out, MetadataCsv.line(row, labels)), pictures);
          }
          case JSONL -> each(row -> MetadataJsonl.write(out, row), pictures);
        }
      }
      Files.move(part, output, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Whether a table that is here says more than one that would be written over it. */
  boolean wouldLose(Path table) throws IOException, InterruptedException {
    var names = new HashSet<String>();
    each(row -> names.add(row.fileName()));
    try (var columns = Files.newBufferedReader(table);
        var rows = Files.newBufferedReader(table)) {
      var format = Format.of(table, null);
      var first = String.valueOf(columns.readLine());
      var known =
          format == Format.JSONL
              ? COLUMNS.containsAll(Json.mapper().readTree(first).propertyNames())
              : COLUMNS.containsAll(List.of(first.replace("\uFEFF", "").split(",")));
      return !known || !format.rows(rows).allMatch(row -> names.contains(row.fileName()));
    } catch (MetadataException
        | JacksonException
        | CharacterCodingException
        | UncheckedIOException e) {
      return true; // whatever it is, it is not ours
    }
  }

  private boolean hasClasses() throws IOException, InterruptedException {
    try (var in = reader()) {
      return MetadataCsv.header(true).strip().equals(in.readLine());
    }
  }

  private void each(Consumer<CaptionRow> row, Predicate<String> pictures)
      throws IOException, InterruptedException {
    each(
        each -> {
          if (pictures.test(each.fileName())) {
            row.accept(each);
          }
        });
  }

  private static void write(Writer out, String line) {
    try {
      out.write(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes texts beside pictures into a folder. One that is there and says something else is a
   * person's, unless it is known to be Flora's own, and stays.
   *
   * @param wanted which of them, by the picture's name and by the text's
   * @param isOwn whether a text was Flora's own, by its name
   * @return how many of a person's differ and stay
   */
  long writeSidecars(Path folder, BiPredicate<String, String> wanted, Predicate<String> isOwn)
      throws IOException, InterruptedException {
    var names = new SidecarNames();
    var persons = new AtomicLong();
    each(
        row -> {
          var name = names.of(row.fileName());
          if (wanted.test(row.fileName(), name)) {
            var file = OutputFile.inside(folder, name);
            try {
              if (Files.exists(file) && !isOwn.test(name)) {
                persons.addAndGet(OwnCaptions.says(file, row.text().strip()) ? 0 : 1);
              } else {
                Files.createDirectories(file.toAbsolutePath().getParent());
                Files.writeString(file, row.text() + "\n");
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        });
    return persons.get();
  }

  /** Hands over every row of the newest version; nothing when there is none. */
  void each(Consumer<CaptionRow> row) throws IOException, InterruptedException {
    try (var in = reader()) {
      MetadataCsv.stream(in).forEach(row);
    }
  }

  private BufferedReader reader() throws IOException, InterruptedException {
    return new BufferedReader(
        new InputStreamReader(
            client.open("/v1/datasets/%s/metadata.csv".formatted(dataset)),
            StandardCharsets.UTF_8));
  }
}
