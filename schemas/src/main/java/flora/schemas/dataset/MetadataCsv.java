package flora.schemas.dataset;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code metadata.csv}, RFC 4180: a header, then one line for each picture. Written as {@code
 * file_name,text}, which is what Hugging Face's {@code imagefolder} reads; {@code filename,prompt}
 * is read too, in any order and among other columns, a column {@code label} for classes among them,
 * with or without a byte order mark, with line ends of either kind, and with line ends and quotes
 * inside quoted captions.
 */
public final class MetadataCsv {

  private static final List<String> FILE_COLUMNS = List.of("file_name", "filename");
  private static final List<String> TEXT_COLUMNS = List.of("text", "prompt");

  private static final List<String> LABEL_COLUMNS = List.of("label");

  /** Longest field, characters. */
  private static final int MAX_FIELD = 1 << 20;

  private MetadataCsv() {}

  /**
   * Reads a table; the reader is not closed.
   *
   * @throws MetadataException for a table that is not one, with its line
   */
  public static List<CaptionRow> read(Reader in) {
    try {
      var table = new Table(new BufferedReader(in));
      var rows = new ArrayList<CaptionRow>();
      var seen = new HashSet<String>();
      for (var row = table.row(); row != null; row = table.row()) {
        if (!seen.add(row.fileName())) {
          throw new MetadataException(
              table.line(), "the picture " + row.fileName() + " stands here twice");
        }
        rows.add(row);
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads a table from a text. */
  public static List<CaptionRow> read(String csv) {
    return read(new StringReader(csv));
  }

  /**
   * Reads a table row by row, as far as rows are asked for; nothing that was read is kept, so a
   * picture that stands there twice is not noticed. The reader is not closed.
   *
   * @throws MetadataException now or at the row that is wrong, with its line
   */
  public static Stream<CaptionRow> stream(Reader in) {
    try {
      var table = new Table(new BufferedReader(in));
      return Stream.generate(table::next).takeWhile(Optional::isPresent).map(Optional::get);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a table: LF line ends, quotes only where they are needed. */
  public static String write(List<CaptionRow> rows) {
    boolean labels = rows.stream().anyMatch(row -> row.label() != null);
    var csv = new StringBuilder(header(labels));
    rows.forEach(row -> csv.append(line(row, labels)));
    return csv.toString();
  }

  /**
   * The first line of a table.
   *
   * @param labels whether its pictures have classes
   */
  public static String header(boolean labels) {
    return labels ? "file_name,text,label\n" : "file_name,text\n";
  }

  /** The line of one picture, below such a header. */
  public static String line(CaptionRow row, boolean labels) {
    var csv = new StringBuilder();
    if (labels) {
      line(csv, row.fileName(), row.text(), row.label() == null ? "" : row.label());
    } else {
      line(csv, row.fileName(), row.text());
    }
    return csv.toString();
  }

  /** Appends one line of any table to a text. */
  public static void line(StringBuilder csv, String... fields) {
    for (int i = 0; i < fields.length; i++) {
      csv.append(i == 0 ? "" : ",").append(quoted(fields[i]));
    }
    csv.append('\n');
  }

  private static String quoted(String field) {
    boolean plain =
        !field.isEmpty()
            && !Character.isWhitespace(field.charAt(0))
            && !Character.isWhitespace(field.charAt(field.length() - 1))
            && field.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r')
            && field.charAt(0) != '\uFEFF';
    return plain ? field : '"' + field.replace("\"", "\"\"") + '"';
  }

  /** One pass over the characters, one record at a time. */
  private static final class Table {
    private final BufferedReader in;
    private final List<String> header;
    private final int file;
    private final int text;
    private final int label;
    private int line = 1;
    private int recordLine = 1;
    private boolean quotedName;

    Table(BufferedReader in) throws IOException {
      this.in = in;
      in.mark(1);
      if (in.read() != '\uFEFF') {
        in.reset();
      }
      var first = fields();
      if (first == null) {
        throw new MetadataException(1, "the table is empty; expected the header file_name,text");
      }
      header = first;
      file = column(FILE_COLUMNS);
      text = column(TEXT_COLUMNS);
      label = column(LABEL_COLUMNS);
      if (file < 0) {
        throw lacks(FILE_COLUMNS);
      }
      if (text < 0 && label < 0) {
        throw lacks(TEXT_COLUMNS);
      }
    }

    /** Where the record stands that was read last. */
    int line() {
      return recordLine;
    }

    Optional<CaptionRow> next() {
      try {
        return Optional.ofNullable(row());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** The next row; null at the end. */
    @Nullable CaptionRow row() throws IOException {
      var fields = fields();
      if (fields == null) {
        return null;
      }
      if (fields.size() != header.size()) {
        throw new MetadataException(
            recordLine,
            "%d fields where the header has %d; quote captions that contain commas"
                .formatted(fields.size(), header.size()));
      }
      // spaces that somebody quoted belong to the name
      var name = quotedName ? fields.get(file) : fields.get(file).strip();
      if (name.isBlank()) {
        throw new MetadataException(recordLine, "the picture's name is missing");
      }
      var cls = label < 0 ? "" : fields.get(label).strip();
      return new CaptionRow(name, text < 0 ? "" : fields.get(text), cls.isEmpty() ? null : cls);
    }

    private int column(List<String> names) {
      for (var name : names) {
        for (int i = 0; i < header.size(); i++) {
          if (header.get(i).strip().toLowerCase(Locale.ROOT).equals(name)) {
            return i;
          }
        }
      }
      return -1;
    }

    private static MetadataException lacks(List<String> names) {
      return new MetadataException(
          1, "the header has no column %s; expected file_name,text".formatted(names.getFirst()));
    }

    /** The next record that is not an empty line; null at the end. */
    private @Nullable List<String> fields() throws IOException {
      while (true) {
        recordLine = line;
        var fields = new ArrayList<String>();
        boolean more = true;
        boolean any = false;
        while (more) {
          var field = new StringBuilder();
          in.mark(1);
          boolean quoted = in.read() == '"';
          in.reset();
          int end = field(field);
          quotedName = fields.size() == file ? quoted : quotedName;
          any |= !field.isEmpty() || end == ',';
          fields.add(field.toString());
          more = end == ',';
          if (end < 0 && !any) {
            return null;
          }
        }
        if (any) {
          return fields;
        }
      }
    }

    /** Reads one field and returns what ended it: a comma, a line feed, or -1. */
    private int field(StringBuilder field) throws IOException {
      int c = in.read();
      if (c != '"') {
        while (c != ',' && !ends(c)) {
          if (c == '"') {
            throw new MetadataException(line, "a quote inside a field that is not quoted");
          }
          append(field, c, line);
          c = in.read();
        }
        return ended(c);
      }
      int start = line;
      while (true) {
        c = in.read();
        if (c < 0) {
          throw new MetadataException(start, "the quote that begins here is never closed");
        }
        if (c == '"') {
          c = in.read();
          if (c != '"') {
            break;
          }
        }
        line += c == '\n' ? 1 : 0;
        append(field, c, start);
      }
      if (c != ',' && !ends(c)) {
        throw new MetadataException(line, "text after a closing quote; double quotes inside text");
      }
      return ended(c);
    }

    /** A quote that is never closed must not swallow a table of any size. */
    private static void append(StringBuilder field, int c, int start) {
      if (field.length() == MAX_FIELD) {
        throw new MetadataException(
            start,
            "a field of more than %d characters; is a quote not closed?".formatted(MAX_FIELD));
      }
      field.append((char) c);
    }

    private static boolean ends(int c) {
      return c < 0 || c == '\n' || c == '\r';
    }

    /** Swallows the LF of a CRLF and counts the line. */
    private int ended(int c) throws IOException {
      if (c == '\r') {
        in.mark(1);
        if (in.read() != '\n') {
          in.reset();
        }
      }
      if (c == '\r' || c == '\n') {
        line++;
        return '\n';
      }
      return c;
    }
  }
}
