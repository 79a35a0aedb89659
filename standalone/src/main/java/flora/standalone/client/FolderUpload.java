package flora.standalone.client;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Puts the pictures of a folder, and the captions that lie with them, into a dataset. */
public final class FolderUpload {

  private static final List<String> PICTURES =
      List.of(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff");

  private final GatewayClient client;
  private final String dataset;
  private final PrintStream out;

  public FolderUpload(GatewayClient client, String dataset, PrintStream out) {
    this.client = client;
    this.dataset = dataset;
    this.out = out;
  }

  /**
   * Uploads the pictures and their {@code .txt} sidecars, then the captions, so that a run never
   * finds captions without pictures.
   *
   * @param folder where the pictures lie
   * @param captions a metadata.csv; null = the one in the folder, if any
   */
  public void send(Path folder, @Nullable Path captions) throws IOException, InterruptedException {
    var files = files(folder);
    if (files.stream().noneMatch(FolderUpload::isPicture)) {
      throw new InvalidInput(
          "%s holds no pictures: expected files ending in %s"
              .formatted(folder, String.join(" ", PICTURES)));
    }
    for (int i = 0; i < files.size(); i++) {
      client.putImage(dataset, files.get(i).getFileName().toString(), files.get(i));
      if ((i + 1) % 100 == 0 || i + 1 == files.size()) {
        out.printf("uploaded %d/%d files to dataset %s%n", i + 1, files.size(), dataset);
      }
    }
    var csv = captions != null ? captions : folder.resolve("metadata.csv");
    if (Files.isRegularFile(csv)) {
      client.putImage(dataset, "metadata.csv", csv);
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(Files::isRegularFile)
          .filter(f -> isPicture(f) || name(f).endsWith(".txt"))
          .sorted()
          .toList();
    }
  }

  private static boolean isPicture(Path file) {
    return PICTURES.stream().anyMatch(name(file)::endsWith);
  }

  private static String name(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT);
  }
}
