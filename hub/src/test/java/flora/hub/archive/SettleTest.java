package flora.hub.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.hub.HubFile;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A blob that is brought beside a download of it. */
class SettleTest {

  private static final byte[] RIGHT = "right".getBytes(StandardCharsets.UTF_8);
  private static final byte[] WRONG = "wrong".getBytes(StandardCharsets.UTF_8);
  private static final Sha256 DIGEST = Sha256.sum(RIGHT);
  private static final String BLOB = StoreLayout.blob(DIGEST);
  private static final String STATE = StoreLayout.upload(DIGEST.hex());

  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Archive archive = new Archive(store);

  SettleTest() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private void join() {
    store.put(StoreLayout.MODELS, BLOB, RIGHT, "");
  }

  private Verified mark() {
    var verified = new Verified(DIGEST, RIGHT.length, "lfs-sha256", "bundle", Instant.EPOCH);
    archive.mark(StoreLayout.MODELS, new HubFile("f", RIGHT.length, null, DIGEST), verified);
    return verified;
  }

  private Verified settle(Runnable join) throws InterruptedException {
    return archive.settle(StoreLayout.MODELS, DIGEST, Clock.systemUTC(), join, this::mark);
  }

  /** Parts that nobody has checked, about to be joined. */
  private ObjectStore.Multipart download() {
    var upload = store.startMultipart(StoreLayout.MODELS, BLOB, "");
    upload.part(1, WRONG, WRONG.length);
    state(upload.uploadId(), "somebody");
    return upload;
  }

  private void state(String uploadId, String owner) {
    var json =
        """
        {"upload_id": "%s", "file_size": 5, "part_size": 5, "epoch": 3, "owner": "%s",
         "expires": "%s", "parts": []}\
        """
            .formatted(uploadId, owner, Instant.now().plusSeconds(60));
    store.put(StoreLayout.MODELS, STATE, json.getBytes(StandardCharsets.UTF_8), "");
  }

  private byte[] stored() {
    return store.read(StoreLayout.MODELS, BLOB).orElseThrow().bytes();
  }

  @Test
  void whatADownloadWasAboutToJoinIsGoneBeforeTheBlobIsThere() throws Exception {
    var upload = download();

    settle(
        () -> {
          assertThatThrownBy(upload::complete).isInstanceOf(ObjectStoreException.NotFound.class);
          join();
        });

    assertThatThrownBy(upload::complete).isInstanceOf(ObjectStoreException.NotFound.class);
    assertThat(stored()).isEqualTo(RIGHT);
    assertThat(archive.find(StoreLayout.MODELS, DIGEST)).isPresent();
    assertThat(store.head(StoreLayout.MODELS, STATE)).isEmpty();
  }

  @Test
  void theDownloadSeesThatItsClaimIsLost() throws Exception {
    download();
    var etag = store.head(StoreLayout.MODELS, STATE).orElseThrow().etag();

    settle(
        () -> {
          assertThat(store.putIfMatch(StoreLayout.MODELS, STATE, WRONG, "", etag)).isEmpty();
          join();
        });

    assertThat(archive.find(StoreLayout.MODELS, DIGEST)).isPresent();
  }

  @Test
  void nothingCountsWhenADownloadHasComeBetween() {
    download();

    assertThatThrownBy(
            () ->
                settle(
                    () -> {
                      join();
                      state("another", "somebody else");
                      store.put(StoreLayout.MODELS, BLOB, WRONG, "");
                    }))
        .isInstanceOf(ObjectStoreException.Unavailable.class)
        .hasMessageContaining("taken over");

    assertThat(archive.find(StoreLayout.MODELS, DIGEST)).isEmpty();
    assertThat(store.head(StoreLayout.MODELS, STATE)).isPresent();
  }

  @Test
  void twoImportsOfOneBlobFollowEachOther() throws Exception {
    download();
    var begun = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var first =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return settle(
                    () -> {
                      begun.countDown();
                      try {
                        goOn.await();
                      } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                      }
                      join();
                    });
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    begun.await();
    var second =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return settle(this::join);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    await().during(300, TimeUnit.MILLISECONDS).until(() -> !second.isDone());
    goOn.countDown();

    assertThat(first.get()).isEqualTo(second.get());
    assertThat(stored()).isEqualTo(RIGHT);
    assertThat(store.head(StoreLayout.MODELS, STATE)).isEmpty();
  }

  @Test
  void writesNoStateWhereNobodyDownloads() throws Exception {
    settle(
        () -> {
          assertThat(store.head(StoreLayout.MODELS, STATE)).isEmpty();
          join();
        });

    assertThat(archive.find(StoreLayout.MODELS, DIGEST)).isPresent();
  }
}
