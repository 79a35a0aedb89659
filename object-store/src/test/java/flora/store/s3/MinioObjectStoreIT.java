package flora.store.s3;

import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.ObjectStoreContract;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import java.io.File;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The same contract on a real MinIO, where its binary is: FLORA_MINIO, the PATH, or ~/go/bin. */
class MinioObjectStoreIT extends ObjectStoreContract {

  @TempDir static Path folder;
  private static Process minio;
  private static S3ObjectStore store;

  @BeforeAll
  static void start() throws Exception {
    var binary = binary();
    Assumptions.assumeTrue(binary.isPresent(), "no minio binary");
    int port;
    try (var socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    var address = "127.0.0.1:" + port;
    var builder =
        new ProcessBuilder(
                binary.get().toString(), "server", folder.toString(), "--address", address)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("MINIO_ROOT_USER", "flora");
    builder.environment().put("MINIO_ROOT_PASSWORD", "flora-secret");
    builder.environment().put("MINIO_BROWSER", "off");
    minio = builder.start();
    store =
        new S3ObjectStore(
            URI.create("http://" + address),
            "flora",
            new Secret("flora-secret"),
            "us-east-1",
            LocalFiles.none());
    for (int i = 0; ; i++) {
      try {
        store.ensureBucket("started");
        return;
      } catch (ObjectStoreException.Unavailable e) {
        if (i == 10) {
          throw e;
        }
      }
    }
  }

  @AfterAll
  static void stop() throws Exception {
    if (minio != null) {
      store.close();
      minio.destroy();
      minio.waitFor();
    }
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  private static Optional<Path> binary() {
    var named = System.getenv("FLORA_MINIO");
    if (named != null) {
      return Optional.of(Path.of(named));
    }
    var path = System.getenv().getOrDefault("PATH", "");
    return Stream.concat(
            Stream.of(path.split(File.pathSeparator)).filter(p -> !p.isBlank()).map(Path::of),
            Stream.of(Path.of(System.getProperty("user.home"), "go", "bin")))
        .map(p -> p.resolve("minio"))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
