package flora.standalone.cli;

import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * Files of a repository in a folder, under their own names. A file is there whole and with the
 * right digest, or not at all; one that is there already is left, and a copy that was cut off is
 * gone on with.
 */
final class LocalCopy {

  private final GatewayClient client;
  private final Path folder;
  private final PrintStream out;
  private final boolean isLive;

  /**
   * @param isLive whether lines on {@code out} may be drawn over
   */
  LocalCopy(GatewayClient client, Path folder, PrintStream out, boolean isLive) {
    this.client = client;
    this.folder = folder;
    this.out = out;
    this.isLive = isLive;
  }

  /**
   * What was done.
   *
   * @param files that lie in the folder now
   * @param written those among them that were not there
   * @param bytes of all these files
   */
  record Brought(int files, int written, long bytes) {}

  private record Wanted(String path, long size, String sha256, Path file) {}

  /** Makes the folder, so that what is wrong with it is known before anything is fetched. */
  static void prepare(Path folder) throws IOException {
    try {
      Files.createDirectories(folder.toAbsolutePath());
    } catch (FileAlreadyExistsException e) {
      throw new InvalidInput("%s is a file: expected a folder to write to".formatted(folder));
    }
    if (!Files.isWritable(folder)) {
      throw new InvalidInput("%s cannot be written to".formatted(folder));
    }
  }

  /**
   * Brings files.
   *
   * @param type {@code model} or {@code dataset}
   * @param paths which, as the hub names them
   * @param pickles of which what they became is brought, and not they
   */
  Brought bring(RepoId repo, String commit, String type, Set<String> paths, Set<String> pickles)
      throws InterruptedException, IOException {
    var reference = new RepoReference(repo, commit);
    var snapshot = client.ask("GET", RepoPath.of(reference, "") + "&type=" + type, null);
    var wanted = wanted(snapshot, paths, pickles);
    var missing = new ArrayList<Wanted>();
    for (var one : wanted) {
      if (!isThere(one)) {
        missing.add(one);
      }
    }
    requireRoom(missing);
    for (var one : missing) {
      write(one, address(reference, type, one.path()));
    }
    return new Brought(
        wanted.size(), missing.size(), wanted.stream().mapToLong(Wanted::size).sum());
  }

  private static String address(RepoReference reference, String type, String path) {
    var encoded =
        Arrays.stream(path.split("/", -1)).map(RepoPath::encode).collect(Collectors.joining("/"));
    return RepoPath.of(reference, "/files/" + encoded) + "&type=" + type;
  }

  /** Every name is looked at before the first byte is written. */
  private List<Wanted> wanted(JsonNode snapshot, Set<String> paths, Set<String> pickles) {
    var wanted = new ArrayList<Wanted>();
    var lost = new HashSet<>(paths);
    lost.addAll(pickles);
    for (var file : snapshot.path("files")) {
      var path = file.path("path").asString("");
      var original = file.path("converted_from").path("path").asString("");
      // the store may have a pickle and what it became: for runs that asked for the one or the
      // other
      if (original.isEmpty() ? paths.contains(path) : pickles.contains(original)) {
        lost.remove(original.isEmpty() ? path : original);
        wanted.add(
            new Wanted(
                path, file.path("size").asLong(-1), file.path("sha256").asString(""), place(path)));
      }
    }
    if (!lost.isEmpty()) {
      throw new InvalidInput(
          "the store has lost %s since it was fetched: run the same command again"
              .formatted(StageLine.printable(String.join(", ", lost))));
    }
    return wanted;
  }

  private Path place(String path) {
    boolean isPlain =
        Arrays.stream(path.split("/", -1))
            .allMatch(
                part ->
                    !part.isEmpty()
                        && !part.equals(".")
                        && !part.equals("..")
                        && part.chars().noneMatch(c -> c < ' ' || c == '\\' || c == 0x7f));
    if (!isPlain) {
      throw new InvalidInput(
          "the repository has a file whose name is no path here: refused, nothing was written");
    }
    return OutputFile.inside(folder, path);
  }

  private static boolean isThere(Wanted one) throws IOException {
    return Files.isRegularFile(one.file())
        && Files.size(one.file()) == one.size()
        && PartFile.digest(one.file()).equals(one.sha256());
  }

  private void requireRoom(List<Wanted> missing) throws IOException {
    prepare(folder);
    long bytes = missing.stream().mapToLong(Wanted::size).sum();
    long room = Files.getFileStore(folder).getUsableSpace();
    if (bytes > room) {
      throw new InvalidInput(
          "%s has room for %s, and %s are to be written: free some, or name another folder"
              .formatted(folder, StageLine.bytes(room), StageLine.bytes(bytes)));
    }
  }

  private void write(Wanted one, String address) throws InterruptedException, IOException {
    var parent = one.file().toAbsolutePath().getParent();
    if (parent == null || !Files.createDirectories(parent).toRealPath().startsWith(home())) {
      throw new InvalidInput("%s leads out of %s by a link: refused".formatted(one.path(), folder));
    }
    var line = "  %10s  %s".formatted(StageLine.bytes(one.size()), one.path());
    new PartFile(one.file(), one.size(), one.sha256())
        .fill(
            from -> client.open(address, from),
            done -> {
              if (isLive && one.size() > 0) {
                out.printf("\r\033[2K%s  %d %%", line, 100 * done / one.size());
              }
            });
    out.println(isLive ? "\r\033[2K" + line : line);
  }

  private Path home() throws IOException {
    return folder.toAbsolutePath().toRealPath();
  }
}
