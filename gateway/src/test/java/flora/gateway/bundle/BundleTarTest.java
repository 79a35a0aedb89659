package flora.gateway.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.gateway.error.Refusal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleTarTest {

  private static byte[] header(String name, long size, byte kind) {
    var none = new byte[0];
    var tar = Bundles.tar(java.util.List.of(new Bundles.Part(name, none, size, kind)));
    return Arrays.copyOf(tar, TarConstants.DEFAULT_RCDSIZE);
  }

  /** Bytes without an end, and how many were asked for. */
  private static final class Endless extends InputStream {
    final AtomicLong given = new AtomicLong();

    @Override
    public int read() {
      given.incrementAndGet();
      return 'x';
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      Arrays.fill(bytes, offset, offset + length, (byte) 'x');
      given.addAndGet(length);
      return length;
    }
  }

  @Test
  void knowsItsLengthBeforeItIsWrittenAndIsTheSameBytesEachTime() throws Exception {
    var first = write();
    assertThat(write()).isEqualTo(first);
    assertThat(first.length)
        .isEqualTo(
            BundleTar.length(BundleTar.space(0) + BundleTar.space(512) + BundleTar.space(700)));
  }

  private static byte[] write() throws Exception {
    var out = new ByteArrayOutputStream();
    var tar = BundleTar.writer(out);
    for (int size : new int[] {0, 512, 700}) {
      tar.putArchiveEntry(BundleTar.entry("file-" + size, size));
      tar.write(new byte[size]);
      tar.closeArchiveEntry();
    }
    tar.finish();
    return out.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 511, (8L << 30) - 1, 8L << 30, 500L << 30, 5L << 40})
  void writesAndReadsFilesOfAnySize(long size) throws Exception {
    var out = new ByteArrayOutputStream();
    var tar = BundleTar.writer(out);
    tar.putArchiveEntry(BundleTar.entry("blobs/model/" + "a".repeat(64), size));
    tar.write(new byte[(int) Math.min(size, 20_000)]);
    if (size <= 20_000) {
      tar.closeArchiveEntry();
      tar.finish();
    }

    var entry = new BundleTar.Reader(new ByteArrayInputStream(out.toByteArray())).next();

    assertThat(entry).isEqualTo(new BundleTar.Entry("blobs/model/" + "a".repeat(64), size));
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {
        TarConstants.LF_LINK,
        TarConstants.LF_SYMLINK,
        TarConstants.LF_CHR,
        TarConstants.LF_BLK,
        TarConstants.LF_DIR,
        TarConstants.LF_FIFO,
        TarConstants.LF_CONTIG,
        'Q'
      })
  void takesPlainFilesOnly(byte kind) {
    var reader = new BundleTar.Reader(new ByteArrayInputStream(header("x", 0, kind)));

    assertThatThrownBy(reader::next)
        .isInstanceOf(Refusal.BadBundle.class)
        .hasMessageContaining("something else than plain files");
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {
        TarConstants.LF_GNUTYPE_LONGNAME,
        TarConstants.LF_GNUTYPE_LONGLINK,
        TarConstants.LF_PAX_EXTENDED_HEADER_LC,
        TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER
      })
  void holdsNoHeaderWithoutAnEndInMemory(byte kind) {
    var endless = new Endless();
    var bytes =
        new SequenceInputStream(new ByteArrayInputStream(header("x", 6L << 30, kind)), endless);

    assertThatThrownBy(() -> new BundleTar.Reader(bytes).next())
        .isInstanceOf(Refusal.BadBundle.class);
    assertThat(endless.given.get()).isLessThan(64 << 10);
  }

  @Test
  void skipsWhatIsLeftOfAFile() throws Exception {
    var reader = new BundleTar.Reader(new ByteArrayInputStream(write()));
    reader.next();
    reader.next();
    assertThat(reader.read(new byte[100])).isEqualTo(100);
    assertThat(reader.next()).isEqualTo(new BundleTar.Entry("file-700", 700));
    assertThat(reader.next()).isNull();
  }
}
