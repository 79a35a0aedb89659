package flora.store.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import flora.embedded.EmbeddedS3;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.ObjectStoreContract;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same store, in the process of who uses it: parts do not go over the network. */
class OwnProcessStoreIT extends ObjectStoreContract {

  private static final int PART = 5 << 20;

  @TempDir static Path folder;
  private static final AtomicInteger PUT = new AtomicInteger();
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;

  @BeforeAll
  static void start() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder));
    store = client(LocalFiles.in(s3.objects(), OwnProcessStoreIT::put));
    store.ensureBucket("own");
  }

  private static S3ObjectStore client(LocalFiles files) {
    return new S3ObjectStore(
        s3.endpoint(), s3.accessKey(), new Secret(s3.secretKey()), "us-east-1", files);
  }

  private static Optional<String> put(
      String bucket, String key, String id, int number, ByteBuffer bytes) {
    var etag = s3.putPart(bucket, key, id, number, bytes);
    etag.ifPresent(_ -> PUT.incrementAndGet());
    return etag;
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
  }

  @Override
  protected ObjectStore store() {
    return store;
  }

  @Test
  void joinsPartsThatWerePutAndPartsThatWereSent() {
    var bytes = new byte[2 * PART + 17];
    new Random(3).nextBytes(bytes);
    int before = PUT.get();

    try (var sender = client(LocalFiles.none());
        var upload = store.startMultipart("own", "a/both", "text/plain")) {
      var there = sender.resumeMultipart("own", "a/both", upload.uploadId());
      var parts =
          List.of(
              upload.part(1, bytes, PART),
              there.part(2, Arrays.copyOfRange(bytes, PART, 2 * PART), PART),
              upload.part(3, Arrays.copyOfRange(bytes, 2 * PART, bytes.length), 17));
      assertThat(PUT).hasValue(before + 2);
      assertThat(there.parts()).containsExactlyElementsOf(parts);
      upload.complete(parts);
    }

    assertThat(store.read("own", "a/both").orElseThrow().bytes()).isEqualTo(bytes);
  }

  @Test
  void sendsThePartsOfWhatCannotBePlaced() {
    int before = PUT.get();

    try (var upload = store.startMultipart("own", "a key/ü", "text/plain")) {
      upload.part(1, new byte[] {1, 2}, 2);
      upload.complete();
    }

    assertThat(PUT).hasValue(before);
    assertThat(store.read("own", "a key/ü").orElseThrow().bytes()).containsExactly(1, 2);
  }

  @Test
  void letsTheStoreSayWhatIsWrong() {
    var upload = store.startMultipart("own", "gone", "text/plain");
    upload.abort();

    try (var sender = client(LocalFiles.none())) {
      var sent = sender.resumeMultipart("own", "gone", upload.uploadId());
      var said = catchThrowable(() -> sent.part(1, new byte[] {1}, 1));
      assertThat(said).isInstanceOf(ObjectStoreException.class);
      assertThatThrownBy(() -> upload.part(1, new byte[] {1}, 1))
          .isInstanceOf(said.getClass())
          .hasMessage(said.getMessage());
    }
  }
}
