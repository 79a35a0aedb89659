package flora.fetcher.download;

import flora.hub.HubClient;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.HexFormat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one file into the store. Its digests run along; nothing is stored before they are right. A
 * connection that breaks is followed by another one from where it broke; wrong bytes are thrown
 * away and fetched once more.
 *
 * <p>This is where several ranges from several sources will come in: {@link #stream} is the one
 * place that turns a file into a sequence of bytes.
 */
final class FileTransfer {

  private static final Logger log = LoggerFactory.getLogger(FileTransfer.class);

  /** Files without a SHA-256 in the listing up to this size are held in memory until checked. */
  private static final int LARGEST_IN_MEMORY = 16 << 20;

  /** A connection that brought so much was a good one: failures are counted anew. */
  private static final long PROGRESS = 1 << 20;

  /** Takes bytes in order. */
  private interface Sink {
    void write(byte[] bytes, int offset, int length);
  }

  private final HubClient hub;
  private final Archive archive;
  private final Meter meter;
  private final Clock clock;
  private final RepoListing listing;
  private final HubFile file;
  private final String bucket;

  /** Bytes that stand on the meter for this file. */
  private long counted;

  FileTransfer(
      HubClient hub, Archive archive, Meter meter, Clock clock, RepoListing listing, HubFile file) {
    this.hub = hub;
    this.archive = archive;
    this.meter = meter;
    this.clock = clock;
    this.listing = listing;
    this.file = file;
    this.bucket = Archive.bucket(listing.type());
  }

  Verified run() throws InterruptedException {
    boolean arrived = false;
    try {
      Verified verified;
      try {
        verified = once();
      } catch (TransferException.ChecksumMismatch e) {
        log.warn("{}; fetching it once more", e.getMessage());
        verified = once();
      }
      arrived = true;
      return verified;
    } finally {
      if (!arrived) {
        count(-counted);
      }
    }
  }

  private void count(long bytes) {
    counted += bytes;
    if (bytes < 0) {
      meter.lost(-bytes);
    } else {
      meter.moved(bytes);
    }
  }

  private Verified once() throws InterruptedException {
    var sha256 = file.sha256();
    var verified =
        sha256 != null
            ? intoStore(sha256, "lfs-sha256")
            : file.size() <= LARGEST_IN_MEMORY ? throughMemory() : twice();
    archive.mark(bucket, file, verified);
    return verified;
  }

  private Verified intoStore(Sha256 expected, String verifiedBy) throws InterruptedException {
    try (var upload = archive.begin(bucket, expected)) {
      var host = stream(upload::write);
      if (!upload.sha256().equals(expected)) {
        throw mismatch(host, "sha256 " + expected, "sha256 " + upload.sha256());
      }
      upload.complete();
      return verified(expected, verifiedBy, host);
    }
  }

  private Verified throughMemory() throws InterruptedException {
    var bytes = new byte[(int) file.size()];
    var at = new int[1];
    var host =
        stream(
            (from, offset, length) -> {
              System.arraycopy(from, offset, bytes, at[0], length);
              at[0] += length;
            });
    var sha1 = gitDigest();
    sha1.update(bytes);
    requireGitId(sha1, host);
    var sha256 = Sha256.sum(bytes);
    archive.put(bucket, sha256, bytes);
    return verified(sha256, "git-sha1", host);
  }

  /** A large file that the hub names by its git id alone: once for the digests, once to keep. */
  private Verified twice() throws InterruptedException {
    var sha1 = gitDigest();
    var sha256 = digest("SHA-256");
    var host =
        stream(
            (bytes, offset, length) -> {
              sha1.update(bytes, offset, length);
              sha256.update(bytes, offset, length);
            });
    requireGitId(sha1, host);
    return intoStore(Sha256.of(sha256.digest()), "git-sha1");
  }

  /** All bytes of the file, in order; returns the host that the last of them came from. */
  private String stream(Sink sink) throws InterruptedException {
    count(-counted);
    var buffer = new byte[256 << 10];
    long at = 0;
    for (int failures = 0; ; ) {
      long from = at;
      try (var stream = hub.open(listing, file, at, file.size())) {
        for (int n; (n = stream.read(buffer, 0, buffer.length)) >= 0; ) {
          if (at + n > file.size()) {
            throw mismatch(stream.host(), file.size() + " bytes", "more than that");
          }
          sink.write(buffer, 0, n);
          at += n;
          count(n);
        }
        if (at == file.size()) {
          return stream.host();
        }
        throw new HubException.Unreachable(
            stream.host(),
            "%s ended after %d of %d bytes".formatted(file.path(), at, file.size()),
            null);
      } catch (HubException e) {
        failures = at - from >= PROGRESS ? 1 : failures + 1;
        var delay = hub.policy().delay(failures, e);
        if (delay == null) {
          throw e;
        }
        log.info("{}; going on at byte {} in {}", e.getMessage(), at, delay);
        Thread.sleep(delay);
      }
    }
  }

  private void requireGitId(MessageDigest sha1, String host) {
    var received = HexFormat.of().formatHex(sha1.digest());
    if (!received.equals(file.gitSha1())) {
      throw mismatch(host, "git id " + file.gitSha1(), "git id " + received);
    }
  }

  private TransferException mismatch(String host, String expected, String received) {
    return new TransferException.ChecksumMismatch(
        listing.repo(), file.path(), host, expected, received);
  }

  private Verified verified(Sha256 sha256, String verifiedBy, String host) {
    return new Verified(sha256, file.size(), verifiedBy, host, Instant.now(clock));
  }

  /** Git's id of a blob: SHA-1 over a small header and the bytes. */
  private MessageDigest gitDigest() {
    var sha1 = digest("SHA-1");
    sha1.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
    return sha1;
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + algorithm, e);
    }
  }
}
