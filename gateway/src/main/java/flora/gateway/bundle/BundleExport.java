package flora.gateway.bundle;

import flora.gateway.error.Refusal;
import flora.hub.archive.Archive;
import flora.hub.archive.Blob;
import flora.schemas.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Clock;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;

/** Writes a bundle as it comes out of the store: nothing is held here but a buffer. */
final class BundleExport {

  private static final int BUFFER = 256 << 10;

  private final Archive archive;
  private final Wish wish;
  private final byte[] manifest;
  private final byte @Nullable [] signature;
  private final Map<String, BundleManifest.Listed> blobs;

  /**
   * Looks whether all of it is there.
   *
   * @param signature of the manifest; null = none
   * @throws Refusal.NotInStore when it is not
   */
  BundleExport(
      Archive archive, Clock clock, BundleManifest manifest, @Nullable BundleSignature signature)
      throws InterruptedException {
    this.archive = archive;
    this.manifest = manifest.bytes();
    this.signature = signature == null ? null : Json.bytes(signature);
    wish = Wish.say(archive, clock, manifest);
    blobs = manifest.blobs();
    for (var blob : blobs.values()) {
      if (archive.find(blob.id().bucket(), blob.id().digest()).isEmpty()) {
        throw new Refusal.NotInStore(blob.file().path());
      }
    }
  }

  /** Its bytes. */
  long length() {
    long files = BundleTar.space(manifest.length);
    files += signature == null ? 0 : BundleTar.space(signature.length);
    for (var blob : blobs.values()) {
      files += BundleTar.space(blob.size());
    }
    return BundleTar.length(files);
  }

  /** Writes all of it; the stream stays open. */
  void write(OutputStream out) throws IOException {
    var tar = BundleTar.writer(out);
    write(tar, BundleManifest.NAME, manifest);
    if (signature != null) {
      write(tar, BundleManifest.SIGNATURE, signature);
    }
    var buffer = new byte[BUFFER];
    for (var blob : blobs.entrySet()) {
      long size = blob.getValue().size();
      tar.putArchiveEntry(BundleTar.entry(blob.getKey(), size));
      copy(blob.getValue().id(), size, tar, buffer);
      tar.closeArchiveEntry();
      wish.renew();
    }
    // closing would end an answer that broke off like a whole one
    tar.finish();
    tar.flush();
  }

  private static void write(TarArchiveOutputStream tar, String name, byte[] bytes)
      throws IOException {
    tar.putArchiveEntry(BundleTar.entry(name, bytes.length));
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  private void copy(Blob.Id id, long size, OutputStream out, byte[] buffer) throws IOException {
    if (size == 0) {
      return; // no store has a range of an empty object
    }
    try (var in = archive.open(id.bucket(), id.digest(), 0, size)) {
      for (int n; (n = in.read(buffer)) >= 0; ) {
        out.write(buffer, 0, n);
        wish.renew();
      }
    }
  }
}
