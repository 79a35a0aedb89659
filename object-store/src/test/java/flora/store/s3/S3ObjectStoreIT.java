package flora.store.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.ObjectStoreContract;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class S3ObjectStoreIT extends ObjectStoreContract {

  @TempDir static Path folder;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;

  @BeforeAll
  static void start() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder));
    store = client(s3.secretKey());
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
  }

  private static S3ObjectStore client(String secret) {
    return new S3ObjectStore(
        s3.endpoint(),
        s3.accessKey(),
        new Secret(secret),
        "us-east-1",
        LocalFiles.in(s3.objects()));
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  @Test
  void linksWorkWithoutCredentials() throws Exception {
    store.ensureBucket("links");
    store.put("links", "a/b c.txt", "hello".getBytes(UTF_8), "text/plain");

    var link = store.presignGet("links", "a/b c.txt", Duration.ofMinutes(1));

    try (var http = HttpClient.newHttpClient()) {
      var answer =
          http.send(HttpRequest.newBuilder(link).build(), HttpResponse.BodyHandlers.ofString());
      assertThat(answer.body()).isEqualTo("hello");
    }
  }

  @Test
  void theObjectsOwnFileHoldsItsBytes() throws Exception {
    store.ensureBucket("own");
    store.put("own", "x/y", "bytes".getBytes(UTF_8), "text/plain");

    assertThat(s3.localFile("own", "x/y"))
        .hasValueSatisfying(f -> assertThat(f).hasContent("bytes"));
    assertThat(s3.localFile("own", "../../secret")).isEmpty();
    assertThat(LocalFiles.in(s3.objects()).file("own", "x/y"))
        .isEqualTo(s3.localFile("own", "x/y"));
    assertThat(store.freeBytes().orElseThrow()).isPositive();
  }

  @Test
  void aWrongSecretIsRefusedWithoutBeingShown() {
    try (var stranger = client("hunter2-wrong")) {
      assertThatThrownBy(() -> stranger.put("own", "k", new byte[0], "text/plain"))
          .isInstanceOf(ObjectStoreException.Rejected.class)
          .hasMessageContaining("SignatureDoesNotMatch")
          .hasNoCause()
          .extracting(Throwable::getMessage)
          .asString()
          .doesNotContain("hunter2");
    }
  }

  @Test
  void waitsOutAShortOutageAndNamesALongOne(@TempDir Path other) throws Exception {
    var options = EmbeddedS3.Options.on(other);
    var first = EmbeddedS3.start(options);
    var port = first.endpoint().getPort();
    try (var client =
        new S3ObjectStore(
            first.endpoint(),
            "flora",
            new Secret("flora-secret"),
            "us-east-1",
            LocalFiles.none())) {
      client.ensureBucket("outage");
      client.put("outage", "k", "1".getBytes(UTF_8), "text/plain");
      first.close();

      var again = new AtomicReference<EmbeddedS3>();
      var back =
          Thread.startVirtualThread(
              () -> {
                try {
                  Thread.sleep(600);
                  again.set(EmbeddedS3.start(options.withPort(port)));
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      assertThat(client.read("outage", "k").orElseThrow().bytes()).isEqualTo("1".getBytes(UTF_8));
      back.join();
      again.get().close();
    }
    try (var client =
        new S3ObjectStore(
            java.net.URI.create("http://127.0.0.1:1"),
            "flora",
            new Secret("s"),
            "us-east-1",
            LocalFiles.none())) {
      assertThatThrownBy(() -> client.read("outage", "k"))
          .isInstanceOf(ObjectStoreException.Unavailable.class);
    }
    assertThat(Files.exists(other.resolve("objects/outage/k"))).isTrue();
  }

  /** A file system of two megabytes; skipped where nobody may mount one. */
  @Test
  void aFullDiskIsNamed(@TempDir Path other) throws Exception {
    var mounted = mountTwoMegabytes(other);
    Assumptions.assumeTrue(mounted, "no right to mount");
    try (var full = EmbeddedS3.start(EmbeddedS3.Options.on(other));
        var client =
            new S3ObjectStore(
                full.endpoint(),
                full.accessKey(),
                new Secret(full.secretKey()),
                "us-east-1",
                LocalFiles.none())) {
      client.ensureBucket("full");

      assertThatThrownBy(() -> client.put("full", "k", new byte[3 << 20], "text/plain"))
          .isInstanceOf(ObjectStoreException.Full.class);
      var upload = client.startMultipart("full", "parts", "text/plain");
      assertThatThrownBy(() -> upload.part(1, new byte[5 << 20], 5 << 20))
          .isInstanceOf(ObjectStoreException.Full.class)
          .hasMessageContaining("parts");
      client.put("full", "k", new byte[1000], "text/plain");
    } finally {
      new ProcessBuilder("umount", other.toString()).start().waitFor();
    }
  }

  private static boolean mountTwoMegabytes(Path folder) {
    try {
      return new ProcessBuilder(
                  "mount", "-t", "tmpfs", "-o", "size=2m", "flora-test", folder.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (java.io.IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
