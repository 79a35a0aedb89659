package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Ref;
import flora.hub.archive.Verified;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BundleIT {

  private static final RepoId REPO = new RepoId("flora/bundled");
  private static final String COMMIT = "c".repeat(40);
  private static final String TAR = "application/x-tar";
  private static final String QUERY = "repo=flora/bundled";

  private final Gateway gateway = Platform.get().shared();
  private final ObjectStore store = Platform.get().storeOf(gateway);
  private final Archive archive = new Archive(store);
  private final byte[] large = noise(3_000_000);
  private final byte[] small = "{\"small\": true}".getBytes(StandardCharsets.US_ASCII);

  private static byte[] noise(int size) {
    var bytes = new byte[size];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  private static String gitId(byte[] bytes) throws Exception {
    var sha1 = MessageDigest.getInstance("SHA-1");
    sha1.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
    return HexFormat.of().formatHex(sha1.digest(bytes));
  }

  @BeforeEach
  void fetch() throws Exception {
    var files = new LinkedHashMap<HubFile, Verified>();
    files.put(new HubFile("config.json", small.length, gitId(small), null), put(small));
    files.put(
        new HubFile("model.safetensors", large.length, "1".repeat(40), Sha256.sum(large)),
        put(large));
    files.forEach((file, verified) -> archive.mark(StoreLayout.MODELS, file, verified));
    archive.publish(
        new RepoListing(RepoType.MODEL, REPO, "main", COMMIT, List.copyOf(files.keySet())), files);
  }

  private Verified put(byte[] bytes) {
    var digest = Sha256.sum(bytes);
    archive.put(StoreLayout.MODELS, digest, bytes);
    return new Verified(digest, bytes.length, "test", "hub", Instant.EPOCH);
  }

  @AfterEach
  void forget() {
    for (var prefix : List.of("models/flora/bundled/", "blobs/")) {
      List<String> keys;
      try (var objects = store.list(StoreLayout.MODELS, prefix)) {
        keys = objects.map(ObjectInfo::key).toList();
      }
      keys.forEach(key -> store.delete(StoreLayout.MODELS, key));
    }
  }

  private byte[] export(String query) {
    var answer = gateway.bytes(gateway.request("/v1/bundles?" + query));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValueAsLong("Content-Length").orElse(-1))
        .isEqualTo(answer.body().length);
    return answer.body();
  }

  private static HttpResponse<String> take(Gateway gateway, byte[] bundle) {
    return gateway.send(
        gateway
            .request("/v1/bundles")
            .header("Content-Type", TAR)
            .POST(BodyPublishers.ofByteArray(bundle)));
  }

  private void assertNothingIsVisible() {
    assertThat(archive.manifest(RepoType.MODEL, REPO, COMMIT)).isEmpty();
    assertThat(archive.ref(RepoType.MODEL, REPO, "main")).isEmpty();
  }

  private void assertRefused(byte[] bundle, String code) {
    forget();
    var answer = take(gateway, bundle);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
    assertThat(Gateway.json(answer).path("code").asString()).isEqualTo(code);
    assertNothingIsVisible();
    assertThat(archive.find(StoreLayout.MODELS, Sha256.sum(bundle))).isEmpty();
  }

  /** Where the bytes of a file begin. */
  private static int at(byte[] bundle, byte[] content) {
    for (int i = 512; i + content.length <= bundle.length; i += 512) {
      if (Arrays.equals(bundle, i, i + content.length, content, 0, content.length)) {
        return i;
      }
    }
    throw new AssertionError("not in the bundle");
  }

  @Test
  void bringsARepositoryFromOneStoreIntoAnother() throws Exception {
    var bundle = export(QUERY);
    assertThat(export(QUERY)).isEqualTo(bundle);
    var before = archive.manifest(RepoType.MODEL, REPO, COMMIT);
    forget();

    var report = take(gateway, bundle);

    assertThat(report.statusCode()).as(report.body()).isEqualTo(200);
    assertThat(Gateway.json(report).path("new_blobs").asInt()).isEqualTo(2);
    assertThat(archive.manifest(RepoType.MODEL, REPO, COMMIT)).isEqualTo(before);
    assertThat(archive.ref(RepoType.MODEL, REPO, "main").map(Ref::commit)).contains(COMMIT);
    assertThat(archive.find(StoreLayout.MODELS, Sha256.sum(large))).isPresent();
    // a hub names it by its git id alone: a later fetch finds it all the same
    assertThat(archive.find(StoreLayout.MODELS, new HubFile("x", small.length, gitId(small), null)))
        .isPresent();
    var again = take(gateway, bundle);
    assertThat(Gateway.json(again).path("new_blobs").asInt()).isZero();
  }

  @Test
  void saysWhatWouldComeInByTheBeginningAlone() {
    var bundle = export(QUERY);
    forget();

    var looking = gateway.request("/v1/bundles?dry_run=true").header("Content-Type", TAR);
    var head = Arrays.copyOf(bundle, Math.min(at(bundle, small), at(bundle, large)) - 512);
    var report = gateway.send(looking.POST(BodyPublishers.ofByteArray(head)));

    assertThat(report.statusCode()).as(report.body()).isEqualTo(200);
    assertThat(Gateway.json(report).path("dry_run").asBoolean()).isTrue();
    assertThat(Gateway.json(report).path("new_bytes").asLong())
        .isEqualTo(small.length + large.length);
    assertNothingIsVisible();
  }

  @Test
  void saysWhyAlsoWhenMuchIsStillToCome() {
    var wrong = Arrays.copyOf("no bundle".getBytes(StandardCharsets.US_ASCII), 30_000_000);

    assertRefused(wrong, "BUNDLE_INVALID");
  }

  @Test
  void refusesADamagedByteAndShowsNothing() {
    var bundle = export(QUERY);
    bundle[at(bundle, large) + 1_234_567] ^= 1;

    assertRefused(bundle, "CHECKSUM_MISMATCH");
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(Sha256.sum(large)))).isEmpty();
  }

  @Test
  void refusesWhatEndsEarlyAndGoesOnWithWhatCame() {
    var bundle = export(QUERY);
    int first = Math.max(at(bundle, large), at(bundle, small));

    assertRefused(Arrays.copyOf(bundle, first + 10), "BUNDLE_INVALID");
    assertThat(Gateway.json(take(gateway, bundle)).path("new_blobs").asInt()).isEqualTo(1);
  }

  @Test
  void refusesWhatIsNoBundle() {
    assertRefused(
        "no tar at all".repeat(100).getBytes(StandardCharsets.US_ASCII), "BUNDLE_INVALID");
    assertRefused(new byte[0], "BUNDLE_INVALID");
  }

  @Test
  void readsOnlyWhatIsSaidToBeATar() {
    var answer = gateway.post("/v1/bundles", "application/json", "{}");

    assertThat(answer.statusCode()).isEqualTo(415);
    assertThat(Gateway.json(answer).path("pointer").asString()).isEqualTo("Content-Type");
  }

  @Test
  void takesOnlyWhatATrustedKeySignedWhenThereIsOne() throws Exception {
    var pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    var stranger = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    var manifest = gateway.bytes(gateway.request("/v1/bundles:manifest?" + QUERY)).body();
    var digest = "&manifest=" + Sha256.sum(manifest).hex();
    var unsigned = export(QUERY + digest);
    var signed = export(QUERY + digest + "&signature=" + signature(pair.getPrivate(), manifest));
    var forged =
        export(QUERY + digest + "&signature=" + signature(stranger.getPrivate(), manifest));
    forget();
    var key = Base64.getEncoder().encodeToString(pair.getPublic().getEncoded());
    try (var careful =
        Platform.get()
            .gateway("--gateway.instance=careful", "--gateway.bundle.trusted-keys[0]=" + key)) {
      for (var bundle : List.of(unsigned, forged)) {
        var answer = take(careful, bundle);
        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(Gateway.json(answer).path("code").asString()).isEqualTo("BUNDLE_UNTRUSTED");
        assertNothingIsVisible();
      }
      // a signed list with a file that is another than listed
      var changed = signed.clone();
      changed[at(changed, small) + 2] = 'S';
      assertThat(Gateway.json(take(careful, changed)).path("code").asString())
          .isEqualTo("CHECKSUM_MISMATCH");

      var answer = take(careful, signed);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(Gateway.json(answer).path("signed_by").asString())
          .isEqualTo(Sha256.sum(pair.getPublic().getEncoded()).hex().substring(0, 16));
    }
  }

  private static String signature(java.security.PrivateKey key, byte[] bytes) throws Exception {
    var signature = Signature.getInstance("Ed25519");
    signature.initSign(key);
    signature.update(bytes);
    return URLEncoder.encode(
        Base64.getEncoder().encodeToString(signature.sign()), StandardCharsets.UTF_8);
  }

  @Test
  void exportsOnlyWhatIsThere() {
    assertThat(gateway.get("/v1/bundles?repo=flora/nowhere").statusCode()).isEqualTo(404);
    assertThat(gateway.get("/v1/bundles").statusCode()).isEqualTo(400);
    assertThat(gateway.get("/v1/bundles?repo=../x").statusCode()).isEqualTo(400);
    assertThat(gateway.get("/v1/bundles?" + QUERY + "&manifest=" + "0".repeat(64)).statusCode())
        .isEqualTo(409);
    store.delete(StoreLayout.MODELS, StoreLayout.verified(Sha256.sum(large)));
    assertThat(gateway.get("/v1/bundles?" + QUERY).statusCode()).isEqualTo(404);
  }
}
