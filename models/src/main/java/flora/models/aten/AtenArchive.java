package flora.models.aten;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a TorchScript module without parameters from its source text: a stored zip with the code,
 * two fixed pickles and the format version, as {@code torch.jit.save} would.
 */
final class AtenArchive {
  private static final String CLASS = "Ops";
  private static final String SOURCE = "ops.torchscript";

  /** Zip entries need a time; a constant keeps the archive the same on every start. */
  private static final long ENTRY_TIME = 315_619_200_000L;

  private AtenArchive() {}

  /** The archive of all operators that {@link Aten} calls. */
  static byte[] operators() {
    try (InputStream in = AtenArchive.class.getResourceAsStream(SOURCE)) {
      if (in == null) {
        throw new IllegalStateException(SOURCE + " is missing beside " + AtenArchive.class);
      }
      return write(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The archive of one module.
   *
   * @param methods its methods in TorchScript's serialised dialect, each taking {@code self:
   *     __torch__.Ops}, indented by two spaces
   */
  static byte[] write(String methods) throws IOException {
    String code =
        """
        class %s(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
        """
                .formatted(CLASS)
            + methods;
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      store(zip, "data.pkl", module());
      store(zip, "code/__torch__.py", code.getBytes(StandardCharsets.UTF_8));
      store(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
    }
    return bytes.toByteArray();
  }

  /** Pickle protocol 2 of an instance whose state is {@code {"training": True}}. */
  private static byte[] module() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2}); // PROTO 2
    out.writeBytes(("c__torch__\n" + CLASS + "\n").getBytes(StandardCharsets.US_ASCII)); // GLOBAL
    out.writeBytes(new byte[] {')', (byte) 0x81, '}', '('}); // EMPTY_TUPLE NEWOBJ EMPTY_DICT MARK
    out.writeBytes(new byte[] {'X', 8, 0, 0, 0}); // BINUNICODE of 8 bytes
    out.writeBytes("training".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(new byte[] {(byte) 0x88, 'u', 'b', '.'}); // NEWTRUE SETITEMS BUILD STOP
    return out.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    var crc = new CRC32();
    crc.update(content);
    var entry = new ZipEntry("ops/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setCrc(crc.getValue());
    entry.setTime(ENTRY_TIME);
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
