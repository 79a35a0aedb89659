package flora.gateway.model;

import flora.gateway.error.Refusal;
import flora.hub.HubFile;
import flora.hub.archive.Archive;
import flora.hub.archive.OwnModels;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.DigestingUpload;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file of a model on its way into the store. Its parts go where nobody looks, and what has
 * arrived is written down after each: whoever comes back goes on there. Only when its digest is
 * known and right it becomes a blob that counts.
 */
final class ModelUpload {

  private static final Logger log = LoggerFactory.getLogger(ModelUpload.class);
  private static final String BUCKET = StoreLayout.MODELS;
  private static final String BYTES = "application/octet-stream";
  private static final String SAFETENSORS = ".safetensors";
  private static final String JSON = "application/json";

  /** What S3 copies in one go. */
  private static final long LARGEST_COPY = 5L << 30;

  private final ObjectStore store;
  private final Archive archive;
  private final Clock clock;
  private final int partSize;
  private final RepoId model;
  private final String path;
  private final String stateKey;
  private final String stagedKey;

  ModelUpload(ObjectStore store, Clock clock, int partSize, RepoId model, String path) {
    this.store = store;
    this.archive = new Archive(store);
    this.clock = clock;
    this.partSize = partSize;
    this.model = model;
    this.path = path;
    stateKey = StoreLayout.modelUpload(model, path);
    stagedKey = StoreLayout.modelUploadStaged(model, path);
  }

  /**
   * What a client sends.
   *
   * @param from the first byte; negative = none, all were sent before
   * @param size of the whole file
   * @param sha256 of the whole file, when the client says so
   */
  record Sent(long from, long size, @Nullable Sha256 sha256) {}

  /** From which byte on the file is missing; its size when nothing is. */
  long offset(@Nullable Sha256 sha256) {
    var known = sha256 == null ? Optional.<Verified>empty() : archive.find(BUCKET, sha256);
    return known
        .map(Verified::size)
        .orElseGet(
            () -> state().filter(s -> s.mayBecome(sha256)).map(UploadProgress::offset).orElse(0L));
  }

  /**
   * Takes bytes.
   *
   * @return the file, once all of it is there and right; empty while bytes are missing
   * @throws Refusal for bytes that do not belong there, or are not what they should be
   * @throws IOException when the client breaks off: what came in whole parts stays
   */
  Optional<Verified> take(Sent sent, InputStream body) throws IOException, InterruptedException {
    var known =
        sent.sha256() == null
            ? Optional.<Verified>empty()
            : archive.find(BUCKET, sent.sha256()).filter(v -> v.size() == sent.size());
    if (known.isPresent() && sent.from() < 0) {
      checkStored(known.get());
      return known;
    }
    if (sent.from() == 0 && sent.size() <= partSize) {
      return Optional.of(small(sent, body));
    }
    var there = store.read(BUCKET, stateKey);
    var state = there.map(Stored::bytes).map(UploadProgress::parse).orElse(null);
    String etag;
    if (sent.from() == 0) {
      long epoch = state == null ? 1 : state.epoch() + 1;
      drop(state);
      var open = store.startMultipart(BUCKET, stagedKey, BYTES);
      state =
          UploadProgress.begun(
              open.uploadId(),
              sent.size(),
              partSize,
              epoch,
              sent.sha256() == null ? null : sent.sha256().hex());
      etag = save(state, there.map(Stored::etag).orElse(null));
    } else {
      if (state == null
          || there.isEmpty()
          || state.fileSize() != sent.size()
          || !state.mayBecome(sent.sha256())) {
        throw new Refusal.WrongOffset(path, 0);
      }
      if (sent.from() >= 0 ? sent.from() != state.offset() : state.offset() != sent.size()) {
        throw new Refusal.WrongOffset(path, state.offset());
      }
      etag = there.get().etag();
    }
    // whoever goes on later has not seen the bytes before
    var digest = sent.from() == 0 ? sha256() : null;
    state = receive(state, etag, body, digest);
    if (state.offset() < state.fileSize()) {
      return Optional.empty();
    }
    return Optional.of(finish(state, sent.sha256(), digest));
  }

  private Verified small(Sent sent, InputStream body) throws IOException, InterruptedException {
    var bytes = body.readNBytes((int) sent.size());
    if (bytes.length < sent.size() || body.read() >= 0) {
      throw Refusal.BadModelFile.cut(path, bytes.length, sent.size());
    }
    check(bytes, bytes.length);
    var sum = Sha256.sum(bytes);
    require(sum, sent.sha256() == null ? null : sent.sha256().hex());
    return settle(sum, bytes.length, () -> archive.put(BUCKET, sum, bytes));
  }

  private UploadProgress receive(
      UploadProgress begun, String firstEtag, InputStream body, @Nullable MessageDigest digest)
      throws IOException {
    var state = begun;
    var etag = firstEtag;
    var upload = store.resumeMultipart(BUCKET, stagedKey, state.uploadId());
    var part = new byte[(int) Math.min(state.partSize(), state.fileSize())];
    while (state.offset() < state.fileSize()) {
      int wanted = (int) Math.min(part.length, state.fileSize() - state.offset());
      int read = 0;
      try {
        read = body.readNBytes(part, 0, wanted);
      } catch (IOException e) {
        log.info("{} of {} broke off at byte {}: {}", path, model, state.offset(), e.getMessage());
      }
      if (read < wanted) {
        return state; // what came of this part comes again
      }
      if (state.parts().isEmpty()) {
        check(Arrays.copyOf(part, read), state.fileSize());
      }
      if (digest != null) {
        digest.update(part, 0, read);
      }
      state = state.with(upload.part(state.parts().size() + 1, part, read));
      etag = save(state, etag);
    }
    if (body.read() >= 0) {
      throw Refusal.BadModelFile.cut(path, state.fileSize() + 1, state.fileSize());
    }
    return state;
  }

  private Verified finish(
      UploadProgress state, @Nullable Sha256 said, @Nullable MessageDigest digest)
      throws IOException, InterruptedException {
    // a process that was killed may have joined it before
    if (store.head(BUCKET, stagedKey).filter(o -> o.size() == state.fileSize()).isEmpty()) {
      var parts = state.parts().stream().map(UploadProgress.Part::uploaded).toList();
      store.resumeMultipart(BUCKET, stagedKey, state.uploadId()).complete(parts);
    }
    var sum = digest == null ? staged() : Sha256.of(digest.digest());
    try {
      require(sum, said == null ? state.sha256() : said.hex());
    } catch (Refusal e) {
      forget();
      throw e;
    }
    var verified = settle(sum, state.fileSize(), () -> move(sum, state.fileSize()));
    forget();
    return verified;
  }

  private Sha256 staged() throws IOException {
    var digest = sha256();
    try (var in = new DigestInputStream(store.open(BUCKET, stagedKey), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return Sha256.of(digest.digest());
  }

  private void move(Sha256 sum, long size) {
    var blob = StoreLayout.blob(sum);
    if (size <= LARGEST_COPY) {
      store.copy(BUCKET, stagedKey, BUCKET, blob);
      return;
    }
    try (var upload = DigestingUpload.start(store, BUCKET, blob, BYTES);
        var in = store.open(BUCKET, stagedKey)) {
      in.transferTo(upload);
      if (!upload.sha256().equals(sum)) {
        throw new ObjectStoreException.Unavailable("reading " + path + " again", null);
      }
      upload.complete();
    } catch (IOException e) {
      throw new ObjectStoreException.Unavailable("reading " + path + " again", e);
    }
  }

  /** Lets the bytes count, unless they do already. */
  private Verified settle(Sha256 sum, long size, Runnable join) throws InterruptedException {
    var there = archive.find(BUCKET, sum);
    if (there.isPresent()) {
      return there.get();
    }
    var verified = new Verified(sum, size, OwnModels.UPLOADED, OwnModels.UPLOADED, clock.instant());
    var file = new HubFile(path, size, null, sum);
    return archive.settle(
        BUCKET,
        sum,
        clock,
        join,
        () -> {
          archive.mark(BUCKET, file, verified);
          return verified;
        });
  }

  private void check(byte[] start, long size) {
    if (path.endsWith(SAFETENSORS)) {
      SafetensorsStart.check(path, start, size);
    }
  }

  /** The bytes may have come as a file of another kind, for which nobody looked at them. */
  private void checkStored(Verified blob) throws IOException {
    if (!path.endsWith(SAFETENSORS)) {
      return;
    }
    int length = (int) Math.min(partSize, blob.size());
    if (length == 0) {
      check(new byte[0], 0);
      return;
    }
    try (var in = archive.open(BUCKET, blob.sha256(), 0, length)) {
      check(in.readNBytes(length), blob.size());
    }
  }

  private void require(Sha256 sum, @Nullable String said) {
    if (said != null && !said.equals(sum.hex())) {
      throw Refusal.BadModelFile.corrupt(path, said, sum.hex());
    }
  }

  private Optional<UploadProgress> state() {
    return store.read(BUCKET, stateKey).map(Stored::bytes).map(UploadProgress::parse);
  }

  /** Writes down how far it is, unless somebody else sends the same file. */
  private String save(UploadProgress state, @Nullable String etag) {
    var bytes = Json.bytes(state);
    return (etag == null
            ? store.putIfAbsent(BUCKET, stateKey, bytes, JSON)
            : store.putIfMatch(BUCKET, stateKey, bytes, JSON, etag))
        .orElseThrow(
            () -> new Refusal.Busy("somebody else uploads %s of %s".formatted(path, model)));
  }

  private void drop(@Nullable UploadProgress state) {
    if (state != null) {
      store.resumeMultipart(BUCKET, stagedKey, state.uploadId()).abort();
    }
    store.delete(BUCKET, stagedKey);
  }

  private void forget() {
    // first what says that bytes lie there
    store.delete(BUCKET, stateKey);
    store.delete(BUCKET, stagedKey);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
