package flora.gateway.bundle;

import static flora.gateway.bundle.Bundles.COMMIT;
import static flora.gateway.bundle.Bundles.CONFIG;
import static flora.gateway.bundle.Bundles.EMPTY;
import static flora.gateway.bundle.Bundles.REPO;
import static flora.gateway.bundle.Bundles.WEIGHTS;
import static flora.gateway.bundle.Bundles.contents;
import static flora.gateway.bundle.Bundles.file;
import static flora.gateway.bundle.Bundles.isVisible;
import static flora.gateway.bundle.Bundles.manifest;
import static flora.gateway.bundle.Bundles.parts;
import static flora.gateway.bundle.Bundles.tar;
import static flora.gateway.bundle.Bundles.trusting;
import static flora.gateway.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.gateway.bundle.Bundles.Part;
import flora.gateway.error.Refusal;
import flora.hub.HubFile;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Ref;
import flora.hub.archive.Verified;
import flora.schemas.ErrorCode;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.io.ByteArrayInputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleImportTest {

  private final ObjectStore store = empty();
  private final Archive archive = new Archive(store);

  private static ObjectStore empty() {
    var store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }

  private static BundleImport.Report take(ObjectStore store, byte[] bundle) {
    try {
      return new BundleImport(new Archive(store), trusting(), Clock.systemUTC())
          .read(new ByteArrayInputStream(bundle));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void assertRefused(List<Part> parts, String why) {
    assertRefused(tar(parts), ErrorCode.BUNDLE_INVALID, why);
  }

  private void assertRefused(byte[] bundle, ErrorCode code, String why) {
    assertThatThrownBy(() -> take(store, bundle))
        .as(why)
        .isInstanceOfSatisfying(
            Refusal.BadBundle.class, refusal -> assertThat(refusal.code()).isEqualTo(code))
        .hasMessageContaining(why);
    assertThat(isVisible(store)).isFalse();
  }

  @Test
  void bringsWhatTheListPromises() {
    var report = take(store, tar(parts()));

    assertThat(report.newBlobs()).isEqualTo(3);
    assertThat(report.newBytes()).isEqualTo(CONFIG.length + WEIGHTS.length);
    assertThat(archive.manifest(RepoType.MODEL, REPO, COMMIT))
        .contains(manifest().repositories().getFirst().manifest());
    assertThat(archive.ref(RepoType.MODEL, REPO, "main").map(Ref::commit)).contains(COMMIT);
    for (var bytes : List.of(CONFIG, WEIGHTS, EMPTY)) {
      var digest = Sha256.sum(bytes);
      assertThat(store.read(StoreLayout.MODELS, StoreLayout.blob(digest)).orElseThrow().bytes())
          .isEqualTo(bytes);
      assertThat(archive.find(StoreLayout.MODELS, digest)).isPresent();
    }
    // a later fetch finds by its git id what a hub names so
    var named = new HubFile("x", CONFIG.length, Bundles.gitId(CONFIG), null);
    assertThat(archive.find(StoreLayout.MODELS, named)).isPresent();
  }

  @Test
  void aDownloadOfAFileHasNothingToJoinOverIt() {
    var digest = Sha256.sum(WEIGHTS);
    var upload = store.startMultipart(StoreLayout.MODELS, StoreLayout.blob(digest), "");
    upload.part(1, CONFIG, CONFIG.length);
    var state = StoreLayout.upload(digest.hex());
    var json =
        """
        {"upload_id": "%s", "owner": "somebody", "expires": "%s"}"""
            .formatted(upload.uploadId(), Instant.now().plusSeconds(60));
    store.put(StoreLayout.MODELS, state, json.getBytes(StandardCharsets.UTF_8), "");

    take(store, tar(parts()));

    assertThatThrownBy(upload::complete).isInstanceOf(ObjectStoreException.NotFound.class);
    assertThat(store.read(StoreLayout.MODELS, StoreLayout.blob(digest)).orElseThrow().bytes())
        .isEqualTo(WEIGHTS);
    assertThat(store.head(StoreLayout.MODELS, state)).isEmpty();
  }

  @Test
  void changesNothingWhenItIsThereAlready() {
    take(store, tar(parts()));
    var before = contents(store);

    var again = take(store, tar(parts()));

    assertThat(again.newBlobs()).isZero();
    assertThat(again.newBytes()).isZero();
    assertThat(contents(store)).isEqualTo(before);
  }

  @Test
  void whereverItEndsNothingIsVisibleAndWhatCameNeedNotComeAgain() {
    var bundle = tar(parts());
    // the blocks that end an archive say nothing that the list does not say
    for (int end = 0; end < bundle.length - 1024; end += end % 512 == 0 ? 1 : 511) {
      var store = empty();
      var part = Arrays.copyOf(bundle, end);
      int cut = end;
      assertThatThrownBy(() -> take(store, part))
          .as("ends at %d", cut)
          .isInstanceOf(Refusal.BadBundle.class);
      assertThat(isVisible(store)).isFalse();
    }
    take(store, Arrays.copyOf(bundle, bundle.length - 1024));
    assertThat(isVisible(store)).isTrue();
  }

  @Test
  void goesOnAfterTheStoreWasAwayInTheMiddle() {
    var bundle = tar(parts());
    for (int failing = 1; failing < 16; failing++) {
      var store = empty();
      var left = new AtomicInteger(failing);
      var broken =
          before(
              store,
              method -> {
                if (method.startsWith("put") && left.decrementAndGet() == 0) {
                  throw new ObjectStoreException.Unavailable("away", null);
                }
              });
      try {
        take(broken, bundle);
      } catch (ObjectStoreException.Unavailable e) {
        // then it is asked again
      }

      take(store, bundle);

      var other = empty();
      take(other, bundle);
      assertThat(contents(store).keySet()).isEqualTo(contents(other).keySet());
    }
  }

  @Test
  void goesOnWhenAFetchHasBroughtTheSameFileMeanwhile() {
    var digest = Sha256.sum(WEIGHTS);
    var file = new HubFile("model.safetensors", WEIGHTS.length, null, digest);
    var verified = new Verified(digest, WEIGHTS.length, "lfs-sha256", "test", Instant.EPOCH);
    var others = new AtomicInteger();
    var racing =
        beforeKey(
            store,
            (method, key) -> {
              if (method.equals("put") && key.equals(StoreLayout.blob(digest))) {
                if (others.getAndIncrement() == 0) {
                  archive.put(StoreLayout.MODELS, digest, WEIGHTS);
                  archive.mark(StoreLayout.MODELS, file, verified);
                }
                throw new ObjectStoreException.Rejected("there is no such upload", null);
              }
            });

    take(racing, tar(parts()));

    assertThat(isVisible(store)).isTrue();
    assertThat(others.get()).isEqualTo(1);
  }

  @Test
  void refusesOtherBytesThanTheListPromises() {
    var wrong = WEIGHTS.clone();
    wrong[12_345] ^= 1;

    assertRefused(
        tar(with(WEIGHTS, p -> p.holding(wrong))), ErrorCode.CHECKSUM_MISMATCH, "expected");

    var digest = Sha256.sum(WEIGHTS);
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(digest))).isEmpty();
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.verified(digest))).isEmpty();
  }

  @Test
  void refusesAnotherNameSizeOrder() {
    var listed = "than its list says";
    for (var name :
        List.of("../../etc/passwd", "/etc/passwd", "blobs/model/../../x", "C:\\x", "blobs/x")) {
      assertRefused(with(CONFIG, p -> p.named(name)), listed);
    }
    assertRefused(with(WEIGHTS, p -> p.saying(p.size() - 1)), listed);
    assertRefused(with(WEIGHTS, p -> p.saying(p.size() + 1)), listed);
    assertRefused(with(WEIGHTS, p -> p.saying(4L << 30)), listed);
    assertRefused(with(CONFIG, p -> Part.blob(WEIGHTS)), listed);
    var twice = new ArrayList<>(parts());
    twice.add(2, twice.get(1));
    assertRefused(twice, listed);
    var turned = new ArrayList<>(parts());
    turned.addLast(turned.remove(1));
    assertRefused(turned, listed);
    var more = new ArrayList<>(parts());
    more.add(Part.of("blobs/model/" + "f".repeat(64), CONFIG));
    assertRefused(more, "more files than its list says");
    var fewer = parts().subList(0, 3);
    assertRefused(fewer, "fewer files than its list says");
    assertRefused(parts().subList(1, 4), "does not begin with its list");
    assertRefused(List.of(), "fewer files than its list says");
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {TarConstants.LF_LINK, TarConstants.LF_SYMLINK, TarConstants.LF_DIR, 'S', 'K', 'x'})
  void refusesWhatIsNoPlainFile(byte kind) {
    assertRefused(with(CONFIG, p -> p.as(kind)), "the bundle");
    var parts = parts();
    parts.set(0, parts.getFirst().as(kind));
    assertRefused(parts, "the bundle");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "../x",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a/..",
        "a\\b",
        "a\u0000b",
        "a\nb",
        "a/"
      })
  void refusesAPathThatIsNone(String path) {
    assertRefused(
        parts(manifest(file(path, CONFIG), file("b", WEIGHTS), file("c", EMPTY)).bytes()),
        "a file whose path, size or digest cannot be");
  }

  @Test
  void refusesAListThatContradictsItself() {
    var same = manifest(file("a", CONFIG), file("a", WEIGHTS), file("c", EMPTY));
    assertRefused(parts(same.bytes()), "a file whose path, size or digest cannot be");
    var text = new String(manifest().bytes(), StandardCharsets.UTF_8);
    assertRefused(
        parts(
            text.replaceFirst("\\{\"path\":\"config.json\"[^}]*}", "$0,$0")
                .replaceFirst("\"path\":\"config.json\",\"size\":15", "\"path\":\"b\",\"size\":16")
                .getBytes(StandardCharsets.UTF_8)),
        "one digest with two sizes");
  }

  @Test
  void refusesAListThatCannotBe() {
    var text = new String(manifest().bytes(), StandardCharsets.UTF_8);
    for (var change :
        new String[][] {
          {"\"format\":\"flora-bundle\"", "\"format\":\"zip\""},
          {"\"version\":1", "\"version\":2"},
          {"\"version\":1", "\"version\":1e400"},
          {"\"type\":\"model\"", "\"type\":\"space\""},
          {"\"type\":\"model\"", "\"type\":null"},
          {"\"revision\":\"main\"", "\"revision\":\"../../x\""},
          {"\"revision\":\"main\"", "\"revision\":null"},
          {"\"repo\":\"flora/bundled\"", "\"repo\":\"../bundled\""},
          {"\"repo\":\"flora/bundled\"", "\"repo\":null"},
          {COMMIT, "../" + COMMIT},
          {"\"commit\":\"" + COMMIT + "\"", "\"commit\":null"},
          {"\"size\":15", "\"size\":-15"},
          {"\"size\":15", "\"size\":9223372036854775807"},
          {"\"git_sha1\":\"[0-9a-f]*\"", "\"git_sha1\":\"../x\""},
          {"\"sha256\":\"[0-9a-f]*\"", "\"sha256\":\"../x\""},
          {"\"sha256\":\"[0-9a-f]*\"", "\"sha256\":null"},
          {"\"path\":\"config.json\"", "\"path\":null"},
          {"\"source\":\"hub.example\"", "\"source\":\"a\\\\u001b[2Jb\""},
          {"\"verified_by\":\"lfs-sha256\"", "\"verified_by\":null"},
          {"\"fetched_at\":\"[^\"]*\"", "\"fetched_at\":null"},
          {"\"listed_by\":\\[\"origin\"]", "\"listed_by\":[null]"},
          {"\"listed_by\":\\[\"origin\"]", "\"listed_by\":[\"" + "x".repeat(300) + "\"]"},
          {"\"converted_from\":null", "\"converted_from\":{\"path\":\"../x\",\"size\":1}"},
          {"\"manifest\":\\{", "\"manifest\":null,\"x\":{"},
          {"\"files\":\\[", "\"files\":[null,"},
          {"\"repositories\":\\[", "\"repositories\":[null,"},
          {"\\{", "[".repeat(5000)},
          {".*", "[]"},
          {".*", "null"},
          {".*", "{\"format\":\"flora-bundle\",\"version\":1,\"repositories\":[]}"},
          {".*", "{\"format\":\"flora-bundle\",\"version\":1}"},
        }) {
      var changed = text.replaceFirst(change[0], change[1]);
      assertThat(changed).as(change[1]).isNotEqualTo(text);
      assertRefused(parts(changed.getBytes(StandardCharsets.UTF_8)), "the");
    }
    assertThat(contents(store)).isEmpty();
  }

  @Test
  void holdsNoListOfAnySizeInMemory() {
    var parts = parts();
    parts.set(0, parts.getFirst().saying(7L << 30));

    assertRefused(parts, "has more than");
  }

  /** Whatever a few wrong bits do: it is refused, or all that counts was right. */
  @Test
  void neverTakesWrongBitsForRightOnes() {
    var bundle = tar(parts());
    var random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 600; i++) {
      var store = empty();
      var wrong = bundle.clone();
      for (int n = 0; n <= i % 3; n++) {
        wrong[random.nextInt(i % 2 == 0 ? wrong.length : 512)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        take(store, wrong);
        for (var bytes : List.of(CONFIG, WEIGHTS)) {
          var blob = store.read(StoreLayout.MODELS, StoreLayout.blob(Sha256.sum(bytes)));
          assertThat(blob.orElseThrow().bytes()).isEqualTo(bytes);
        }
      } catch (Refusal.BadBundle e) {
        refused++;
        assertThat(isVisible(store)).isFalse();
      }
    }
    assertThat(refused).isGreaterThan(300);
  }

  @Test
  void writesNothingWhenTheStoreHasNoRoomForIt() {
    var full = answering(store, "freeBytes", Optional.of(WEIGHTS.length - 1L));

    assertThatThrownBy(() -> take(full, tar(parts())))
        .isInstanceOfSatisfying(
            Refusal.NoRoom.class,
            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.INSUFFICIENT_DISK));

    assertThat(contents(store)).isEmpty();
    take(store, tar(parts()));
    // what is there needs no room
    take(full, tar(parts()));
  }

  @Test
  void looksForBlobsOnlyWhenNobodyTakesAnyAway() throws Exception {
    var claim =
        Claim.take(
                store,
                Clock.systemUTC(),
                StoreLayout.MODELS,
                StoreLayout.removing(),
                "cleaner",
                Duration.ofMinutes(1))
            .orElseThrow();
    var done = new CompletableFuture<BundleImport.Report>();
    Thread.ofVirtual().start(() -> done.complete(take(store, tar(parts()))));
    var used = StoreLayout.used(Archive.folder(RepoType.MODEL, REPO), COMMIT);

    org.awaitility.Awaitility.await().until(() -> store.head(StoreLayout.MODELS, used).isPresent());
    assertThatThrownBy(() -> done.get(300, TimeUnit.MILLISECONDS))
        .isInstanceOf(java.util.concurrent.TimeoutException.class);
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(Sha256.sum(CONFIG)))).isEmpty();

    claim.release();
    assertThat(done.get(10, TimeUnit.SECONDS).newBlobs()).isEqualTo(3);
  }

  @Test
  void saysEveryFewMinutesWhatItStillWants() throws Exception {
    var uses = new AtomicInteger();
    var used = StoreLayout.used(Archive.folder(RepoType.MODEL, REPO), COMMIT);
    var counting =
        (ObjectStore)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ObjectStore.class},
                (_, method, arguments) -> {
                  if (method.getName().equals("put") && used.equals(arguments[1])) {
                    uses.incrementAndGet();
                  }
                  return method.invoke(store, arguments);
                });
    var clock =
        new Clock() {
          private Instant now = Instant.EPOCH;

          @Override
          public Instant instant() {
            now = now.plus(Duration.ofMinutes(4));
            return now;
          }

          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(@Nullable ZoneId zone) {
            return this;
          }
        };

    new BundleImport(new Archive(counting), trusting(), clock)
        .read(new ByteArrayInputStream(tar(parts())));

    assertThat(uses.get()).isGreaterThan(1);
  }

  private static ObjectStore before(ObjectStore inner, Consumer<String> hook) {
    return beforeKey(inner, (method, _) -> hook.accept(method));
  }

  private static ObjectStore beforeKey(ObjectStore inner, BiConsumer<String, String> hook) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            BundleImportTest.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) -> {
              var key = arguments != null && arguments.length > 1 ? arguments[1] : "";
              hook.accept(method.getName(), String.valueOf(key));
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static ObjectStore answering(ObjectStore inner, String question, Object answer) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            BundleImportTest.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) ->
                method.getName().equals(question) ? answer : method.invoke(inner, arguments));
  }
}
