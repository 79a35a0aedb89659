package flora.tensors.pickle;

import static flora.tensors.pickle.BytesInMemory.convert;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.Unsupported;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives that lie about their entries are refused, whatever the pickle in them says. */
class HostileArchiveTest {

  private static final byte[] PICKLE =
      new Pickles()
          .proto(2)
          .op('}')
          .text("w")
          .tensor("ByteStorage", "0", 4, 0, new long[] {4}, new long[] {1})
          .op('s')
          .stop()
          .bytes();
  private static final byte[] DATA = {1, 2, 3, 4};

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final ZipOutputStream zip = new ZipOutputStream(bytes);

  private void entry(String name, byte[] content, int method) {
    try {
      var entry = new ZipEntry(name);
      entry.setMethod(method);
      if (method == ZipEntry.STORED) {
        var crc = new CRC32();
        crc.update(content);
        entry.setSize(content.length);
        entry.setCrc(crc.getValue());
      }
      zip.putNextEntry(entry);
      zip.write(content);
      zip.closeEntry();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private byte[] file() {
    try {
      zip.close();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private byte[] sound() {
    entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    entry("a/data/0", DATA, ZipEntry.STORED);
    entry("a/data/9", DATA, ZipEntry.STORED);
    return file();
  }

  /** Changes every occurrence of a name: those in the headers before the entries or the others. */
  private static byte[] renamed(byte[] file, UnaryOperator<String> change) {
    return change
        .apply(new String(file, StandardCharsets.ISO_8859_1))
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Defect defect(byte[] file) {
    return catchThrowableOfType(Malformed.class, () -> convert(file)).defect();
  }

  /** Where the directory's header of the nth entry begins. */
  private static int central(byte[] file, int n) {
    int at = -1;
    var text = new String(file, StandardCharsets.ISO_8859_1);
    for (int i = 0; i <= n; i++) {
      at = text.indexOf("PK\1\2", at + 1);
    }
    return at;
  }

  private static byte[] with(byte[] file, int at, int value) {
    byte[] changed = file.clone();
    changed[at] = (byte) value;
    return changed;
  }

  @Test
  void readsASoundArchive() {
    assertThat(convert(sound())).endsWith(DATA);
  }

  @Test
  void refusesACompressedEntry() {
    entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    entry("a/data/0", DATA, ZipEntry.DEFLATED);

    assertThat(catchThrowableOfType(Unsupported.class, () -> convert(file())))
        .hasMessageContaining("a/data/0 compressed by method 8");
  }

  @Test
  void refusesAnEncryptedEntry() {
    byte[] file = sound();

    assertThat(
            catchThrowableOfType(
                Unsupported.class, () -> convert(with(file, central(file, 1) + 8, 1))))
        .hasMessageContaining("encrypted entry a/data/0");
  }

  @Test
  void refusesTwoEntriesOfOneName() {
    assertThat(defect(renamed(sound(), s -> s.replace("a/data/9", "a/data/0"))))
        .isEqualTo(Defect.DUPLICATE_ENTRY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../../x!", "/etc/pwd", "a/../x/y", "a\\data\\9", "a\0data/9"})
  void refusesANameThatLeadsOut(String name) {
    assertThat(defect(renamed(sound(), s -> s.replace("a/data/9", name))))
        .isEqualTo(Defect.BAD_NAME);
  }

  @Test
  void refusesEntriesThatOverlap() {
    byte[] file = sound();
    byte[] same = file.clone();
    System.arraycopy(file, central(file, 1) + 42, same, central(file, 2) + 42, 4);

    assertThat(defect(same)).isEqualTo(Defect.OVERLAP);
  }

  @ParameterizedTest
  @CsvSource({"20, 5", "24, 5", "20, 255", "24, 255", "23, 255", "27, 127", "42, 3", "45, 127"})
  void refusesSizesAndPlacesThatLie(int field, int value) {
    byte[] file = sound();

    assertThat(
            catchThrowableOfType(
                PickleException.class, () -> convert(with(file, central(file, 1) + field, value))))
        .isInstanceOf(Malformed.class);
  }

  @Test
  void refusesALocalHeaderThatSaysSomethingElse() {
    byte[] file = sound();
    var text = new String(file, StandardCharsets.ISO_8859_1);
    int local = text.indexOf("a/data/0") - 30;

    assertThat(defect(with(file, local + 8, 8))).isEqualTo(Defect.BAD_ARCHIVE);
    assertThat(defect(with(file, local + 18, 9))).isEqualTo(Defect.BAD_ARCHIVE);
    assertThat(defect(with(file, local + 22, 9))).isEqualTo(Defect.BAD_ARCHIVE);
    assertThat(defect(with(file, local + 37, '1'))).isEqualTo(Defect.BAD_ARCHIVE);
    assertThat(defect(with(file, local + 29, 9))).isEqualTo(Defect.OVERLAP);
    assertThat(defect(with(file, local, 0))).isEqualTo(Defect.BAD_ARCHIVE);
  }

  @Test
  void refusesAStorageThatIsMissingOrShort() {
    entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    entry("a/data/0", new byte[3], ZipEntry.STORED);
    assertThat(defect(file())).isEqualTo(Defect.BAD_STORAGE);

    var other = new HostileArchiveTest();
    other.entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    assertThat(defect(other.file())).isEqualTo(Defect.BAD_STORAGE);
  }

  @Test
  void refusesTwoPicklesOrNone() {
    entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    entry("b/data.pkl", PICKLE, ZipEntry.STORED);
    assertThat(catchThrowableOfType(Unsupported.class, () -> convert(file())))
        .hasMessageContaining("2 <name>/data.pkl");

    var none = new HostileArchiveTest();
    none.entry("x.txt", DATA, ZipEntry.STORED);
    assertThat(catchThrowableOfType(Unsupported.class, () -> convert(none.file())))
        .hasMessageContaining("0 <name>/data.pkl");
  }

  @Test
  void refusesABigEndianCheckpoint() {
    entry("a/data.pkl", PICKLE, ZipEntry.STORED);
    entry("a/byteorder", "big".getBytes(StandardCharsets.UTF_8), ZipEntry.STORED);

    assertThat(catchThrowableOfType(Unsupported.class, () -> convert(file())))
        .hasMessageContaining("big-endian");
  }

  @Test
  void refusesAFileThatIsCutOff() {
    byte[] file = sound();

    assertThat(defect(java.util.Arrays.copyOf(file, file.length - 1))).isEqualTo(Defect.TRUNCATED);
  }
}
