package flora.gateway.bundle;

import static flora.gateway.bundle.Bundles.contents;
import static flora.gateway.bundle.Bundles.isVisible;
import static flora.gateway.bundle.Bundles.manifest;
import static flora.gateway.bundle.Bundles.parts;
import static flora.gateway.bundle.Bundles.signed;
import static flora.gateway.bundle.Bundles.tar;
import static flora.gateway.bundle.Bundles.trusting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.gateway.bundle.Bundles.Part;
import flora.gateway.error.Refusal;
import flora.hub.archive.Archive;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BundleSignatureTest {

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @BeforeEach
  void buckets() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private BundleImport.Report take(byte[] bundle, BundleSignature.Trusted trusted)
      throws InterruptedException {
    return new BundleImport(new Archive(store), trusted, Clock.systemUTC())
        .read(new ByteArrayInputStream(bundle));
  }

  @Test
  void takesOnlyWhatATrustedKeySignedWhenThereIsOne() throws Exception {
    var ours = Bundles.key();
    var stranger = Bundles.key();
    var list = manifest().bytes();
    var altered =
        new String(list, StandardCharsets.UTF_8)
            .replace("config.json", "config.jsom")
            .getBytes(StandardCharsets.UTF_8);
    var otherAlgorithm = new ArrayList<>(signed(ours, list));
    otherAlgorithm.set(
        1,
        Part.of(
            BundleManifest.SIGNATURE,
            Json.bytes(new BundleSignature("none", Bundles.sign(ours, list)))));
    var notSigned = new ArrayList<>(signed(ours, list));
    notSigned.set(0, Part.of(BundleManifest.NAME, altered));
    for (var parts :
        List.of(parts(), signed(stranger, list), notSigned, otherAlgorithm, parts(altered))) {
      assertThatThrownBy(() -> take(tar(parts), trusting(ours)))
          .isInstanceOfSatisfying(
              Refusal.BadBundle.class,
              refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.BUNDLE_UNTRUSTED));
    }
    assertThat(contents(store)).isEmpty();
    // who is not trusted is not even read
    assertThatThrownBy(() -> take(tar(parts("{".getBytes())), trusting(ours)))
        .hasMessageContaining("not signed");
    for (var signature : new String[] {"{}", "null", "[", "{\"algorithm\":\"Ed25519\"}"}) {
      var parts = signed(ours, list);
      parts.set(1, Part.of(BundleManifest.SIGNATURE, signature.getBytes()));
      assertThatThrownBy(() -> take(tar(parts), trusting(ours)))
          .as(signature)
          .isInstanceOf(Refusal.BadBundle.class);
    }

    var report = take(tar(signed(ours, list)), trusting(stranger, ours));

    assertThat(report.signedBy())
        .isEqualTo(Sha256.sum(ours.getPublic().getEncoded()).hex().substring(0, 16));
    assertThat(isVisible(store)).isTrue();
  }

  @Test
  void takesNoKeyThatIsNone() {
    for (var text : List.of("", "x", "AAAA", "-----BEGIN PUBLIC KEY-----")) {
      assertThatThrownBy(() -> new BundleSignature.Trusted(List.of(text)))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("gateway.bundle.trusted-keys");
    }
  }
}
