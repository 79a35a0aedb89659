package flora.gateway.bundle;

import flora.gateway.error.Refusal;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/**
 * A tar of plain files with short names (POSIX ustar; sizes from 8 GiB on in base 256, which GNU
 * tar, BSD tar and Python read as well). The same files are the same bytes, and their number is
 * known before.
 */
final class BundleTar {

  private static final int RECORD = TarConstants.DEFAULT_RCDSIZE;
  private static final int BLOCK = TarConstants.DEFAULT_BLKSIZE;

  /** Long names and attributes are held in memory by whoever reads a header. */
  private static final int LARGEST_HEADER = 16 << 10;

  private BundleTar() {}

  /** Writes an archive; to be finished, not closed, when all is well. */
  static TarArchiveOutputStream writer(OutputStream out) {
    var tar = new TarArchiveOutputStream(out, BLOCK, StandardCharsets.UTF_8.name());
    tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
    return tar;
  }

  /** The header of a file. */
  static TarArchiveEntry entry(String name, long size) {
    var entry = new TarArchiveEntry(name);
    entry.setSize(size);
    entry.setModTime(FileTime.fromMillis(0));
    entry.setMode(0100644);
    entry.setIds(0, 0);
    entry.setNames("", "");
    return entry;
  }

  /** Bytes that a file takes with its header and padding. */
  static long space(long size) {
    return RECORD + roundUp(size, RECORD);
  }

  /** Bytes of an archive whose files take so many. */
  static long length(long files) {
    return roundUp(files + 2L * RECORD, BLOCK);
  }

  private static long roundUp(long size, long unit) {
    return (size + unit - 1) / unit * unit;
  }

  /**
   * A file in an archive.
   *
   * @param name as the header has it
   * @param size bytes
   */
  record Entry(String name, long size) {}

  /** Reads one file after the other. For one thread. */
  static final class Reader {

    private final Metered in;
    private final TarArchiveInputStream tar;
    private long left;

    Reader(InputStream in) {
      this.in = new Metered(in);
      tar = new TarArchiveInputStream(this.in, BLOCK, RECORD, StandardCharsets.UTF_8.name(), false);
      this.in.allowed = LARGEST_HEADER;
    }

    /**
     * The next file; null at the end of the archive. What is left of the one before is read over.
     *
     * @throws Refusal.BadBundle for anything that is not a plain file's header
     */
    @Nullable Entry next() {
      TarArchiveEntry header;
      try {
        header = tar.getNextEntry();
      } catch (IOException e) {
        throw broken();
      }
      if (header == null) {
        return null;
      }
      if (!header.isCheckSumOK()) {
        throw broken();
      }
      boolean isPlain =
          header.getLinkFlag() == TarConstants.LF_NORMAL
              || header.getLinkFlag() == TarConstants.LF_OLDNORM;
      if (!isPlain || header.isSparse() || header.getSize() < 0) {
        throw Refusal.BadBundle.malformed("the bundle holds something else than plain files");
      }
      left = header.getSize();
      in.allowed = roundUp(left, RECORD) + LARGEST_HEADER;
      return new Entry(header.getName(), left);
    }

    /** Bytes of the file; 0 at its end. */
    int read(byte[] buffer) {
      if (left == 0) {
        return 0;
      }
      int n;
      try {
        n = tar.read(buffer, 0, (int) Math.min(buffer.length, left));
      } catch (IOException e) {
        throw broken();
      }
      if (n <= 0) {
        throw broken();
      }
      left -= n;
      return n;
    }

    private static Refusal.BadBundle broken() {
      return Refusal.BadBundle.malformed(
          "the bundle ends in the middle, is damaged, or is no tar archive");
    }
  }

  /** Gives no more than is allowed. */
  private static final class Metered extends FilterInputStream {

    private long allowed;

    Metered(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int n = super.read(bytes, offset, (int) Math.min(length, left()));
      allowed -= Math.max(0, n);
      return n;
    }

    @Override
    public long skip(long bytes) throws IOException {
      long n = super.skip(Math.min(bytes, left()));
      allowed -= n;
      return n;
    }

    private long left() throws IOException {
      if (allowed <= 0) {
        throw new IOException("a header of more than " + LARGEST_HEADER + " bytes");
      }
      return allowed;
    }
  }
}
