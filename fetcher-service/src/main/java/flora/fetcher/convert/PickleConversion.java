package flora.fetcher.convert;

import flora.hub.HubFile;
import flora.hub.archive.Archive;
import flora.hub.archive.Converted;
import flora.hub.archive.Verified;
import flora.hub.plan.DownloadPlan;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.store.ObjectStoreException;
import flora.tensors.SafetensorsWriter;
import flora.tensors.pickle.PickleException;
import flora.tensors.pickle.PickleNames;
import flora.tensors.pickle.PickledCheckpoint;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns the pickles of a plan into safetensors, and their index into one of these, without a local
 * copy.
 *
 * <p>Twice through each file: once for the digest of what it becomes, once to store that under its
 * digest. An upload under another name and a copy would spare the first pass, but S3 copies no more
 * than 5 GB at a time. Nothing is visible before it is complete, and nothing counts before it is
 * marked; what was converted once is found again by the pickle's digest.
 */
public final class PickleConversion {

  /** To be raised whenever the same pickle would become other bytes. */
  static final int VERSION = 1;

  private static final Logger log = LoggerFactory.getLogger(PickleConversion.class);

  private static final int LARGEST_INDEX = 32 << 20;

  /** So many bytes between two looks whether to go on. */
  private static final int TICK = 1 << 20;

  private final Archive archive;
  private final Clock clock;

  public PickleConversion(Archive archive, Clock clock) {
    this.archive = archive;
    this.clock = clock;
  }

  /**
   * Converts what the plan marks.
   *
   * @param files what was fetched of the plan
   * @param tick called now and then; may throw to stop
   * @return what stands for which of the files
   * @throws PickleRefused for the first file that is more than a checkpoint of tensors
   */
  public Map<HubFile, Converted> run(DownloadPlan plan, Map<HubFile, Verified> files, Runnable tick)
      throws InterruptedException {
    var converted = new LinkedHashMap<HubFile, Converted>();
    for (var file : plan.pickles()) {
      var original = files.get(file);
      if (original == null) {
        throw new IllegalStateException("planned but not fetched: " + file.path());
      }
      try {
        converted.put(file, convert(plan, file, original, tick));
      } catch (ObjectStoreException.Unavailable e) {
        if (e.getCause() instanceof InterruptedException) {
          throw new InterruptedException("stopped while converting " + file.path());
        }
        throw e;
      } catch (PickleException.Unreadable | IOException e) {
        throw new ObjectStoreException.Unavailable("reading " + file.path(), e);
      } catch (PickleException e) {
        throw new PickleRefused(plan.listing().repo(), e);
      }
    }
    return converted;
  }

  private Converted convert(DownloadPlan plan, HubFile file, Verified original, Runnable tick)
      throws IOException, InterruptedException {
    var bucket = Archive.bucket(plan.listing().type());
    var index = PickleNames.safetensorsIndex(file.path());
    var path =
        index
            .or(() -> PickleNames.safetensors(file.path()))
            .orElseThrow(() -> new IllegalStateException("no name for " + file.path()));
    var known = archive.converted(bucket, original, VERSION);
    if (known.isPresent()) {
      return new Converted(path, known.get());
    }
    log.info("{} of {} becomes {}", file.path(), plan.listing().repo(), path);
    var made =
        index.isPresent()
            ? index(bucket, plan.listing().repo(), file, original)
            : weights(bucket, file, original, tick);
    return new Converted(path, made);
  }

  private Verified index(String bucket, RepoId repo, HubFile file, Verified original)
      throws IOException {
    if (original.size() > LARGEST_INDEX) {
      throw new PickleRefused(
          repo,
          "%s has %d bytes, more than any index of shards".formatted(file.path(), original.size()));
    }
    byte[] there;
    try (var in = archive.open(bucket, original.sha256(), 0, original.size())) {
      there = in.readAllBytes();
    }
    var bytes = PickleNames.rewriteIndex(file.path(), there);
    var digest = Sha256.sum(bytes);
    archive.put(bucket, digest, bytes);
    return archive.markConverted(bucket, original, VERSION, digest, bytes.length);
  }

  private Verified weights(String bucket, HubFile file, Verified original, Runnable tick)
      throws IOException, InterruptedException {
    var source = new StoredBytes(archive, bucket, original.sha256(), original.size());
    var checkpoint = PickledCheckpoint.open(file.path(), source);
    if (!checkpoint.skipped().isEmpty()) {
      log.info("{} holds more than tensors, left out: {}", file.path(), checkpoint.skipped());
    }
    var writer = checkpoint.toSafetensors();
    var digest = digest(writer, tick);
    Supplier<Verified> mark =
        () -> archive.markConverted(bucket, original, VERSION, digest, writer.size());
    if (archive.find(bucket, digest).isPresent()) {
      return mark.get();
    }
    try (var upload = archive.begin(bucket, digest)) {
      writer.writeTo(new Ticking(upload, tick));
      if (!upload.sha256().equals(digest)) {
        throw new IllegalStateException(
            "%s became other bytes the second time".formatted(file.path()));
      }
      return archive.settle(bucket, digest, clock, upload::complete, mark);
    }
  }

  private static Sha256 digest(SafetensorsWriter writer, Runnable tick) throws IOException {
    var digest = sha256();
    writer.writeTo(
        new Ticking(
            new OutputStream() {
              @Override
              public void write(int b) {
                digest.update((byte) b);
              }

              @Override
              public void write(byte[] bytes, int offset, int length) {
                digest.update(bytes, offset, length);
              }
            },
            tick));
    return Sha256.of(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Passes bytes on, and asks now and then whether to. */
  private static final class Ticking extends OutputStream {
    private final OutputStream out;
    private final Runnable tick;
    private long left;

    Ticking(OutputStream out, Runnable tick) {
      this.out = out;
      this.tick = tick;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      left -= length;
      if (left < 0) {
        left = TICK;
        tick.run();
      }
      out.write(bytes, offset, length);
    }
  }
}
