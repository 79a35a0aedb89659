package flora.standalone.client;

import flora.schemas.dataset.PictureNames;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Puts the pictures of a folder and of those below it, and the captions that lie with them, into a
 * dataset. Hidden files and folders are left alone.
 */
public final class FolderUpload {

  private static final List<String> TABLES = List.of("metadata.csv", "metadata.jsonl");

  /** Files of folders below go in archives of this size at most, or of one larger file. */
  private static final long ARCHIVE_BYTES = 64L << 20;

  private static final int ARCHIVE_FILES = 1000;

  private final GatewayClient client;
  private final String dataset;
  private final PrintStream out;
  private Filter leftOut = (_, _) -> false;

  public FolderUpload(GatewayClient client, String dataset, PrintStream out) {
    this.client = client;
    this.dataset = dataset;
    this.out = out;
  }

  /** Says which files of captions stay here. */
  @FunctionalInterface
  public interface Filter {
    /** Whether this one stays; its name is relative to the folder, with {@code /}. */
    boolean staysHere(Path file, String name) throws IOException;
  }

  /** Leaves out some of the captions that lie in the folder. */
  public FolderUpload leavingOut(Filter filter) {
    leftOut = filter;
    return this;
  }

  /** A file and its name in the dataset. */
  private record Item(Path file, String name) {}

  /**
   * Uploads the pictures, then their texts and tables, so that a run never finds captions without
   * pictures.
   *
   * @param folder where the pictures lie
   * @param captions a table; null = the one in the folder, if any
   */
  public void send(Path folder, @Nullable Path captions) throws IOException, InterruptedException {
    var items = items(folder);
    if (items.stream().noneMatch(item -> PictureNames.isOne(item.name))) {
      throw new InvalidInput(
          "%s holds no pictures: expected files ending in %s"
              .formatted(folder, "." + String.join(" .", PictureNames.ENDINGS)));
    }
    if (captions != null) {
      items.removeIf(item -> TABLES.contains(item.name));
    } else if (TABLES.stream().allMatch(table -> Files.isRegularFile(folder.resolve(table)))) {
      throw new InvalidInput(
          "%s holds a metadata.csv and a metadata.jsonl: keep the one that counts"
              .formatted(folder));
    }
    requireNames(items);
    send(items);
    if (captions != null && Files.isRegularFile(captions)) {
      boolean isLines = captions.getFileName().toString().endsWith(".jsonl");
      client.putFile(dataset, isLines ? "metadata.jsonl" : "metadata.csv", captions);
    }
  }

  /** What no server takes is said before anything is sent. */
  private static void requireNames(List<Item> items) {
    var bad = items.stream().map(Item::name).filter(FolderUpload::isOddName).toList();
    if (!bad.isEmpty()) {
      throw new InvalidInput(
          "%d file names hold a backslash or a control character, the first is %s: rename them"
              .formatted(bad.size(), StageLine.printable(bad.getFirst())));
    }
  }

  private static boolean isOddName(String name) {
    return name.indexOf('\\') >= 0 || name.chars().anyMatch(Character::isISOControl);
  }

  private void send(List<Item> items) throws IOException, InterruptedException {
    int sent = 0;
    while (sent < items.size()) {
      int before = sent;
      if (items.get(sent).name.contains("/")) {
        sent = sendArchive(items, sent);
      } else if (isTable(items.get(sent).name)) {
        // there it is looked at: a mistake in it is told before anything is labelled
        client.putFile(dataset, items.get(sent).name, items.get(sent).file);
        sent++;
      } else {
        client.putImage(dataset, items.get(sent).name, items.get(sent).file);
        sent++;
      }
      if (sent / 100 > before / 100 || sent == items.size()) {
        out.printf("uploaded %d/%d files to dataset %s%n", sent, items.size(), dataset);
      }
    }
  }

  /** The gateway takes a path only out of an archive. Answers where the next file stands. */
  private int sendArchive(List<Item> items, int from) throws IOException, InterruptedException {
    var archive = Files.createTempFile("flora-upload", ".zip");
    try {
      int at = from;
      try (var zip = new ZipOutputStream(stream(archive))) {
        zip.setLevel(Deflater.NO_COMPRESSION); // pictures are compressed
        long bytes = 0;
        while (at < items.size()
            && items.get(at).name.contains("/")
            && at - from < ARCHIVE_FILES
            && (at == from || bytes + Files.size(items.get(at).file) <= ARCHIVE_BYTES)) {
          bytes += Files.size(items.get(at).file);
          zip.putNextEntry(new ZipEntry(items.get(at).name));
          Files.copy(items.get(at).file, zip);
          zip.closeEntry();
          at++;
        }
      }
      client.putFile(dataset, "upload.zip", archive);
      return at;
    } finally {
      Files.deleteIfExists(archive);
    }
  }

  private static OutputStream stream(Path file) throws IOException {
    return new java.io.BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
  }

  /** Pictures first, then texts, then tables; those of the folder itself before those below. */
  private List<Item> items(Path folder) throws IOException {
    var items = new ArrayList<Item>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) {
            boolean isHidden = !each.equals(folder) && isHidden(each);
            return isHidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            var name = name(folder, file);
            boolean counts =
                Files.isRegularFile(file)
                    && !isHidden(file)
                    && (PictureNames.isOne(name)
                        || (isCaptions(name) && !leftOut.staysHere(file, name)));
            if (counts) {
              items.add(new Item(file, name));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    items.sort(
        Comparator.comparingInt(
                (Item item) -> PictureNames.isOne(item.name) ? 0 : isTable(item.name) ? 2 : 1)
            .thenComparing(item -> item.name.contains("/"))
            .thenComparing(Item::name));
    return items;
  }

  private static boolean isHidden(Path file) {
    return file.getFileName().toString().startsWith(".");
  }

  private static String name(Path folder, Path file) {
    var name = new StringBuilder();
    for (var part : folder.relativize(file)) {
      name.append(name.isEmpty() ? "" : "/").append(part);
    }
    return name.toString();
  }

  private static boolean isTable(String name) {
    return TABLES.contains(name.substring(name.lastIndexOf('/') + 1));
  }

  private static boolean isCaptions(String name) {
    var lower = name.toLowerCase(Locale.ROOT);
    return isTable(name) || lower.endsWith(".txt") || lower.endsWith(".caption");
  }
}
