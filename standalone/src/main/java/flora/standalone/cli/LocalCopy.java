package flora.standalone.cli;

import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Files of a repository in a folder, under their own names. A file is there whole and with the
 * right digest, or not at all; one that is there already is left.
 */
final class LocalCopy {

  private final GatewayClient client;
  private final Path folder;
  private final PrintStream out;

  LocalCopy(GatewayClient client, Path folder, PrintStream out) {
    this.client = client;
    this.folder = folder;
    this.out = out;
  }

  /**
   * What was done.
   *
   * @param files that lie in the folder now
   * @param written those among them that were not there
   */
  record Brought(int files, int written) {}

  private record Wanted(String path, long size, String sha256, Path file) {}

  /**
   * Brings files.
   *
   * @param type {@code model} or {@code dataset}
   * @param paths which, as the hub names them; a file that was made from one goes with it
   */
  Brought bring(RepoReference reference, String type, Set<String> paths)
      throws InterruptedException, IOException {
    var snapshot = client.ask("GET", RepoPath.of(reference, "") + "&type=" + type, null);
    var commit = snapshot.path("commit").asString("");
    var wanted = wanted(snapshot, paths);
    int written = 0;
    for (var one : wanted) {
      if (!isThere(one)) {
        out.printf("  %10s  %s%n", StageLine.bytes(one.size()), one.path());
        write(one, address(reference, commit, type, one.path()));
        written++;
      }
    }
    return new Brought(wanted.size(), written);
  }

  private static String address(RepoReference reference, String commit, String type, String path) {
    var encoded =
        Arrays.stream(path.split("/", -1))
            .map(RepoPath::encode)
            .collect(java.util.stream.Collectors.joining("/"));
    return RepoPath.of(new RepoReference(reference.repo(), commit), "/files/" + encoded)
        + "&type="
        + type;
  }

  /** Every name is looked at before the first byte is written. */
  private List<Wanted> wanted(JsonNode snapshot, Set<String> paths) {
    var wanted = new ArrayList<Wanted>();
    for (var file : snapshot.path("files")) {
      var path = file.path("path").asString("");
      var original = file.path("converted_from").path("path").asString("");
      if (paths.contains(path) || paths.contains(original)) {
        wanted.add(
            new Wanted(
                path, file.path("size").asLong(-1), file.path("sha256").asString(""), place(path)));
      }
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
        && digest(Files.newInputStream(one.file())).equals(one.sha256());
  }

  private void write(Wanted one, String address) throws InterruptedException, IOException {
    var parent = one.file().toAbsolutePath().getParent();
    if (parent == null || !Files.createDirectories(parent).toRealPath().startsWith(home())) {
      throw new InvalidInput("%s leads out of %s by a link: refused".formatted(one.path(), folder));
    }
    var part = Files.createTempFile(parent, ".flora-", ".part");
    try {
      var sha256 = sha256();
      try (var in = new DigestInputStream(client.open(address), sha256)) {
        Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
      }
      var received = Sha256.of(sha256.digest()).hex();
      if (!received.equals(one.sha256())) {
        throw new InvalidInput(
            "%s came with sha256 %s, expected %s: not written"
                .formatted(one.path(), received, one.sha256()));
      }
      Files.move(
          part, one.file(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  private Path home() throws IOException {
    return Files.createDirectories(folder.toAbsolutePath()).toRealPath();
  }

  private static String digest(InputStream bytes) throws IOException {
    var sha256 = sha256();
    try (var in = new DigestInputStream(bytes, sha256)) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
    }
    return Sha256.of(sha256.digest()).hex();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
