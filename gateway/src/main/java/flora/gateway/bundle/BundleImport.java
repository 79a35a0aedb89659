package flora.gateway.bundle;

import flora.gateway.error.Refusal;
import flora.hub.HubFile;
import flora.hub.RefSeen;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.RepoId;
import flora.store.ObjectStoreException;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes a bundle in as it streams. Each blob counts once its digest was right; the manifests come
 * last, so what is refused was never visible, and what came in whole need not come again.
 */
final class BundleImport {

  private static final int BUFFER = 256 << 10;
  private static final int LARGEST_SIGNATURE = 4096;

  private final Archive archive;
  private final BundleSignature.Trusted trusted;
  private final Clock clock;
  private final byte[] buffer = new byte[BUFFER];

  BundleImport(Archive archive, BundleSignature.Trusted trusted, Clock clock) {
    this.archive = archive;
    this.trusted = trusted;
    this.clock = clock;
  }

  /**
   * What came in.
   *
   * @param object always {@code bundle_import}
   * @param dryRun whether it only would have come in
   * @param signedBy short name of the trusted key that signed it; null when none was asked for
   * @param repositories what lies in the store now
   * @param blobs that were in the bundle
   * @param newBlobs those among them that were not in the store
   * @param newBytes their size
   */
  record Report(
      String object,
      boolean dryRun,
      @Nullable String signedBy,
      List<Imported> repositories,
      int blobs,
      int newBlobs,
      long newBytes) {}

  record Imported(String type, RepoId repo, String revision, String commit, int files) {}

  /** What comes before the files, found to be right. */
  private record Head(
      @Nullable String signer, BundleManifest manifest, BundleTar.@Nullable Entry next) {}

  /**
   * Reads a bundle to its end.
   *
   * @throws Refusal.BadBundle when anything is not as it must be; nothing is visible then
   * @throws Refusal.NoRoom when the store has less room than it needs; nothing was written then
   */
  Report read(InputStream in) throws InterruptedException {
    var tar = new BundleTar.Reader(in);
    var head = head(tar);
    var manifest = head.manifest();
    var seen = new HashMap<BundleManifest.Repository, RefSeen>();
    manifest.repositories().forEach(repository -> seen.put(repository, seen(repository)));
    var wish = Wish.say(archive, clock, manifest);
    var missing = missing(manifest);
    var entry = head.next();
    for (var expected : manifest.blobs().entrySet()) {
      var listed = expected.getValue();
      var found = required(entry);
      if (!found.name().equals(expected.getKey()) || found.size() != listed.size()) {
        throw Refusal.BadBundle.malformed(
            "the bundle holds other files, or in another order, than its list says; expected "
                + expected.getKey());
      }
      if (missing.contains(expected.getKey())) {
        try {
          bring(tar, listed, wish);
        } catch (ObjectStoreException.NotFound | ObjectStoreException.Rejected e) {
          // whoever has brought a file drops all other uploads of it
          if (archive.find(listed.id().bucket(), listed.id().digest()).isEmpty()) {
            throw e;
          }
        }
      }
      wish.renew();
      entry = tar.next();
    }
    if (entry != null) {
      throw Refusal.BadBundle.malformed("the bundle holds more files than its list says");
    }
    for (var repository : manifest.repositories()) {
      archive.adopt(
          repository.kind(), repository.revision(), repository.manifest(), seen.get(repository));
    }
    return report(head, missing, false);
  }

  /** Whoever brings a bundle says what its revisions stand for from now on. */
  private RefSeen seen(BundleManifest.Repository repository) {
    return archive.seen(
        repository.kind(), repository.manifest().repo(), repository.revision(), clock);
  }

  /**
   * Reads the list and its signature, and writes nothing.
   *
   * @param in a bundle, or as much of its beginning
   * @throws Refusal.BadBundle when it would be refused for them
   * @throws Refusal.NoRoom when the store has less room than it needs
   */
  Report look(InputStream in) {
    var tar = new BundleTar.Reader(in);
    var head = head(tar);
    return report(head, missing(head.manifest()), true);
  }

  private Head head(BundleTar.Reader tar) {
    var first = required(tar.next());
    if (!first.name().equals(BundleManifest.NAME)) {
      throw Refusal.BadBundle.malformed(
          "the bundle does not begin with its list, " + BundleManifest.NAME);
    }
    var bytes = whole(tar, first, BundleManifest.LARGEST);
    var next = tar.next();
    BundleSignature signature = null;
    if (next != null && next.name().equals(BundleManifest.SIGNATURE)) {
      signature = BundleSignature.read(whole(tar, next, LARGEST_SIGNATURE));
      next = tar.next();
    }
    // before a word of the list is believed
    var signer = signer(bytes, signature);
    return new Head(signer, BundleManifest.read(bytes), next);
  }

  private static Report report(Head head, Set<String> missing, boolean dryRun) {
    var manifest = head.manifest();
    return new Report(
        "bundle_import",
        dryRun,
        head.signer(),
        manifest.repositories().stream().map(BundleImport::imported).toList(),
        manifest.blobs().size(),
        missing.size(),
        size(manifest, missing));
  }

  private static Imported imported(BundleManifest.Repository repository) {
    var manifest = repository.manifest();
    return new Imported(
        repository.type(),
        manifest.repo(),
        repository.revision(),
        manifest.commit(),
        manifest.files().size());
  }

  private @Nullable String signer(byte[] manifest, @Nullable BundleSignature signature) {
    if (!trusted.isAsked()) {
      return null;
    }
    if (signature == null) {
      throw Refusal.BadBundle.untrusted("the bundle is not signed, and this gateway asks for it");
    }
    return trusted
        .signer(manifest, signature)
        .orElseThrow(
            () -> Refusal.BadBundle.untrusted("none of the trusted keys signed this bundle"));
  }

  /** What is not in the store; what is there stays once it is said that it is wanted. */
  private Set<String> missing(BundleManifest manifest) {
    var missing = new HashSet<String>();
    manifest
        .blobs()
        .forEach(
            (name, blob) -> {
              if (archive.find(blob.id().bucket(), blob.id().digest()).isEmpty()) {
                missing.add(name);
              }
            });
    long needed = size(manifest, missing);
    archive
        .freeBytes()
        .filter(free -> free < needed)
        .ifPresent(
            free -> {
              throw new Refusal.NoRoom(needed, free);
            });
    return missing;
  }

  private static long size(BundleManifest manifest, Set<String> names) {
    var blobs = manifest.blobs().entrySet().stream();
    return blobs.filter(b -> names.contains(b.getKey())).mapToLong(b -> b.getValue().size()).sum();
  }

  private void bring(BundleTar.Reader tar, BundleManifest.Listed listed, Wish wish)
      throws InterruptedException {
    var id = listed.id();
    var gitId = digest("SHA-1");
    gitId.update(("blob " + listed.size() + "\0").getBytes(StandardCharsets.US_ASCII));
    try (var upload = archive.begin(id.bucket(), id.digest())) {
      for (int n; (n = tar.read(buffer)) > 0; ) {
        upload.write(buffer, 0, n);
        gitId.update(buffer, 0, n);
        wish.renew();
      }
      if (!upload.sha256().equals(id.digest())) {
        throw Refusal.BadBundle.corrupt(
            "a file of the bundle came with sha256 %s, expected %s"
                .formatted(upload.sha256(), id.digest()));
      }
      var computed = HexFormat.of().formatHex(gitId.digest());
      archive.settle(
          id.bucket(), id.digest(), clock, upload::complete, () -> mark(listed, computed));
    }
  }

  private Verified mark(BundleManifest.Listed listed, String computed) {
    var id = listed.id();
    var file = listed.file();
    var verified =
        new Verified(
            id.digest(), listed.size(), file.verifiedBy(), file.source(), file.fetchedAt());
    // by its git id it is found only where that was seen to be right
    boolean isKnownByGit = computed.equals(file.gitSha1());
    return archive.mark(
        id.bucket(),
        new HubFile(
            file.path(),
            listed.size(),
            isKnownByGit ? computed : file.gitSha1(),
            isKnownByGit ? null : id.digest()),
        verified);
  }

  /** A small file. What its header says is no reason to reserve memory. */
  private static byte[] whole(BundleTar.Reader tar, BundleTar.Entry entry, int largest) {
    if (entry.size() > largest) {
      throw Refusal.BadBundle.malformed(
          "%s of the bundle has more than %d bytes".formatted(entry.name(), largest));
    }
    var bytes = new ByteArrayOutputStream();
    var chunk = new byte[64 << 10];
    for (int n; (n = tar.read(chunk)) > 0; ) {
      bytes.write(chunk, 0, n);
    }
    return bytes.toByteArray();
  }

  private static BundleTar.Entry required(BundleTar.@Nullable Entry entry) {
    if (entry == null) {
      throw Refusal.BadBundle.malformed("the bundle holds fewer files than its list says");
    }
    return entry;
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + algorithm, e);
    }
  }
}
