package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code flora bundle}: repositories as one file, for a network without a hub. */
@Command(
    name = "bundle",
    description = "Repositories as one file, for a network without a hub.",
    subcommands = {
      BundleCommand.Export.class,
      BundleCommand.Import.class,
      BundleCommand.Keygen.class
    })
final class BundleCommand {

  private static final String TAR = "application/x-tar";

  /** How the names of the files begin that come before all others. */
  private static final String HEAD = "flora-bundle.";

  private static final long LARGEST_HEAD = 64 << 20;
  private static final long RECORD = TarConstants.DEFAULT_RCDSIZE;

  private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String END = "-----END PRIVATE KEY-----";

  @Command(name = "export", description = "Write repositories of the store into a file.")
  static final class Export implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "REPO", description = "owner/name[@revision]")
    List<String> repos = List.of();

    @Option(
        names = "--dataset",
        paramLabel = "REPO",
        description = "a dataset repository; may be given several times")
    List<String> datasets = List.of();

    @Option(
        names = {"-o", "--output"},
        required = true,
        paramLabel = "FILE",
        description = "where the bundle goes")
    Path output = Path.of("");

    @Option(
        names = "--sign-key",
        paramLabel = "FILE",
        description = "private key of ./flora bundle keygen")
    @Nullable Path signKey;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      var query = query();
      try (var connection = Connection.open(options, System.getenv())) {
        byte[] manifest;
        try (var in = connection.client().open("/v1/bundles:manifest?" + query)) {
          manifest = in.readAllBytes();
        }
        var address = "/v1/bundles?" + query + "&manifest=" + Sha256.sum(manifest).hex();
        if (signKey != null) {
          address += "&signature=" + RepoPath.encode(sign(signKey, manifest));
        }
        long total = total(Json.read(manifest, JsonNode.class));
        var target = output.toAbsolutePath();
        var folder = target.getParent();
        if (folder == null) {
          throw new InvalidInput(output + " is no file name");
        }
        Files.createDirectories(folder);
        var part = target.resolveSibling(target.getFileName() + ".part");
        try (var in = new CountingStream(connection.client().open(address), "export", total)) {
          Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
          in.done();
          Files.move(
              part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(part);
        }
        if (options.json) {
          var line = Json.mapper().createObjectNode();
          line.put("object", "bundle").put("file", target.toString());
          line.put("bytes", Files.size(target)).put("signed", signKey != null);
          System.out.println(line);
          return Main.DONE;
        }
        System.out.printf(
            "%s  %s%s%n",
            output,
            StageLine.bytes(Files.size(target)),
            signKey == null ? "  not signed" : "  signed");
      }
      return Main.DONE;
    }

    private String query() {
      var parts = new ArrayList<String>();
      repos.forEach(repo -> parts.add("repo=" + RepoPath.encode(written(repo))));
      datasets.forEach(repo -> parts.add("dataset=" + RepoPath.encode(written(repo))));
      if (parts.isEmpty()) {
        throw new InvalidInput("no repository is named: ./flora bundle export owner/name -o FILE");
      }
      return String.join("&", parts);
    }

    private static String written(String repo) {
      RepoReference reference = RepoPath.parse(repo, null);
      return reference.toString();
    }

    private static long total(JsonNode manifest) {
      var sizes = new HashMap<String, Long>();
      for (var repository : manifest.path("repositories")) {
        for (var file : repository.path("manifest").path("files")) {
          sizes.put(
              repository.path("type").asString("") + file.path("sha256").asString(""),
              file.path("size").asLong(0));
        }
      }
      return sizes.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  @Command(name = "import", description = "Bring a bundle into the store, checked byte by byte.")
  static final class Import implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "a bundle")
    Path file = Path.of("");

    @Option(names = "--dry-run", description = "only say what would come in")
    boolean dryRun;

    @Mixin Connection.Options options = new Connection.Options();

    @Override
    public Integer call() throws Exception {
      if (!Files.isRegularFile(file)) {
        throw new InvalidInput("no such file: " + file);
      }
      var head = head(file);
      try (var connection = Connection.open(options, System.getenv())) {
        var client = connection.client();
        // who signed it and whether there is room is known before hours of sending
        var report = client.upload("/v1/bundles?dry_run=true", TAR, () -> stream(head));
        if (!dryRun) {
          report = client.upload("/v1/bundles", TAR, () -> opened(file));
        }
        if (options.json) {
          System.out.println(report);
        } else {
          say(report);
        }
      }
      return Main.DONE;
    }

    private static InputStream stream(byte[] bytes) {
      return new ByteArrayInputStream(bytes);
    }

    private void say(JsonNode report) {
      for (var repository : report.path("repositories")) {
        System.out.printf(
            "%s@%s  %s  %d files%n",
            repository.path("repo").asString(""),
            repository.path("revision").asString(""),
            repository.path("commit").asString(""),
            repository.path("files").asLong(0));
      }
      System.out.printf(
          "%d of %d files %s new, %s; %s%n",
          report.path("new_blobs").asLong(0),
          report.path("blobs").asLong(0),
          dryRun ? "would be" : "are",
          StageLine.bytes(report.path("new_bytes").asLong(0)),
          report.path("signed_by").isString()
              ? "signed by " + report.path("signed_by").asString()
              : "no signature was asked for");
    }

    /** The beginning of a bundle: its list, and the signature of that. */
    static byte[] head(Path file) throws IOException {
      long end = 0;
      try (var in = new BufferedInputStream(Files.newInputStream(file));
          var tar = new TarArchiveInputStream(in)) {
        for (var entry = tar.getNextEntry();
            entry != null && entry.getName().startsWith(HEAD);
            entry = tar.getNextEntry()) {
          end += RECORD + Math.ceilDiv(entry.getSize(), RECORD) * RECORD;
        }
      } catch (IOException e) {
        throw new InvalidInput(file + " is no bundle: " + e.getMessage());
      }
      if (end == 0 || end > LARGEST_HEAD) {
        throw new InvalidInput(file + " is no bundle: it does not begin with its list");
      }
      try (var in = Files.newInputStream(file)) {
        return in.readNBytes((int) end);
      }
    }

    private static InputStream opened(Path file) {
      try {
        return new CountingStream(Files.newInputStream(file), "import", Files.size(file));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Command(name = "keygen", description = "Make a key pair (Ed25519) to sign bundles with.")
  static final class Keygen implements Callable<Integer> {
    @Option(
        names = {"-o", "--output"},
        paramLabel = "FILE",
        description = "where the private key goes; default: flora-bundle.key")
    Path output = Path.of("flora-bundle.key");

    @Override
    public Integer call() throws Exception {
      var pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      var encoder = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
      var pem =
          BEGIN + "\n" + encoder.encodeToString(pair.getPrivate().getEncoded()) + "\n" + END + "\n";
      try {
        createPrivate(output);
      } catch (FileAlreadyExistsException e) {
        throw new InvalidInput(output + " is there already: it is not written over");
      }
      Files.writeString(output, pem, StandardOpenOption.WRITE);
      System.out.println(Base64.getEncoder().encodeToString(pair.getPublic().getEncoded()));
      System.err.println(
          "private key: %s (keep it); the line above goes into gateway.bundle.trusted-keys"
              .formatted(output));
      return Main.DONE;
    }

    private static void createPrivate(Path file) throws IOException {
      if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      } else {
        Files.createFile(file);
      }
    }
  }

  /** The signature of some bytes by a private key in a PEM file, in base 64. */
  static String sign(Path keyFile, byte[] bytes) throws IOException {
    if (!Files.isRegularFile(keyFile)) {
      throw new InvalidInput("no such key file: " + keyFile);
    }
    var text = Files.readString(keyFile, StandardCharsets.ISO_8859_1);
    try {
      var encoded =
          Base64.getMimeDecoder().decode(text.replace(BEGIN, "").replace(END, "").strip());
      var key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(encoded));
      var signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(bytes);
      return Base64.getEncoder().encodeToString(signature.sign());
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new InvalidInput(
          keyFile + " holds no Ed25519 key: expected a file of ./flora bundle keygen");
    }
  }
}
