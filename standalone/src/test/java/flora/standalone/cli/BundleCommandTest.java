package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.standalone.client.InvalidInput;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleCommandTest {

  @TempDir Path folder;

  private Path bundle(Map<String, Integer> sizes) throws Exception {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      for (var file : sizes.entrySet()) {
        var entry = new TarArchiveEntry(file.getKey());
        entry.setSize(file.getValue());
        tar.putArchiveEntry(entry);
        tar.write(new byte[file.getValue()]);
        tar.closeArchiveEntry();
      }
    }
    return Files.write(folder.resolve("bundle.tar"), bytes.toByteArray());
  }

  @Test
  void sendsTheListAndItsSignatureFirst() throws Exception {
    var sizes = new LinkedHashMap<String, Integer>();
    sizes.put("flora-bundle.json", 1552);
    sizes.put("flora-bundle.sig", 141);
    sizes.put("blobs/model/a", 70_000);
    var file = bundle(sizes);

    var head = BundleCommand.Import.head(file);

    assertThat(head).hasSize(512 + 2048 + 512 + 512);
    assertThat(Files.readAllBytes(file)).startsWith(head);
    sizes.remove("flora-bundle.sig");
    assertThat(BundleCommand.Import.head(bundle(sizes))).hasSize(512 + 2048);
  }

  @Test
  void sendsNothingOfWhatIsNoBundle() throws Exception {
    var other = bundle(Map.of("picture.png", 3));
    assertThatThrownBy(() -> BundleCommand.Import.head(other))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("does not begin with its list");
    var text = Files.writeString(folder.resolve("a.txt"), "no tar at all ".repeat(100));
    assertThatThrownBy(() -> BundleCommand.Import.head(text)).isInstanceOf(InvalidInput.class);
    var empty = Files.write(folder.resolve("empty"), new byte[0]);
    assertThatThrownBy(() -> BundleCommand.Import.head(empty)).isInstanceOf(InvalidInput.class);
  }

  @Test
  void signsWithTheKeyThatItMade() throws Exception {
    var keygen = new BundleCommand.Keygen();
    keygen.output = folder.resolve("signing.key");
    var out = System.out;
    var printed = new ByteArrayOutputStream();
    try (var to = new java.io.PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(to);
      keygen.call();
    } finally {
      System.setOut(out);
    }
    var text = "what is signed".getBytes(StandardCharsets.UTF_8);

    var signature = BundleCommand.sign(keygen.output, text);

    var decoder = java.util.Base64.getDecoder();
    var key =
        java.security.KeyFactory.getInstance("Ed25519")
            .generatePublic(
                new java.security.spec.X509EncodedKeySpec(
                    decoder.decode(printed.toString(StandardCharsets.UTF_8).strip())));
    var check = java.security.Signature.getInstance("Ed25519");
    check.initVerify(key);
    check.update(text);
    assertThat(check.verify(decoder.decode(signature))).isTrue();
    assertThat(Files.getPosixFilePermissions(keygen.output)).hasSize(2);
    var before = Files.readAllBytes(keygen.output);
    assertThatThrownBy(keygen::call).hasMessageContaining("is there already");
    assertThat(Arrays.equals(Files.readAllBytes(keygen.output), before)).isTrue();
    var noKey = Files.writeString(folder.resolve("no.key"), "secret");
    assertThatThrownBy(() -> BundleCommand.sign(noKey, text))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("holds no Ed25519 key");
  }
}
