package flora.hub.archive;

import flora.hub.HubFile;
import flora.hub.RefSeen;
import flora.hub.RepoCopies;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.DigestingUpload;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/** Where fetched files lie in the store. Thread-safe. */
public final class Archive {

  private static final Logger log = LoggerFactory.getLogger(Archive.class);
  private static final String BYTES = "application/octet-stream";
  private static final String JSON = "application/json";
  private static final long REMOVAL_MILLIS = 200;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40,64}");

  private final ObjectStore store;

  public Archive(ObjectStore store) {
    this.store = store;
  }

  /** The bucket that a kind of repository is kept in. */
  public static String bucket(RepoType type) {
    return switch (type) {
      case MODEL -> StoreLayout.MODELS;
      case DATASET -> StoreLayout.DATASETS;
    };
  }

  /** The folder of a repository in its bucket. */
  public static String folder(RepoType type, RepoId repo) {
    return switch (type) {
      case MODEL -> StoreLayout.modelFolder(repo);
      case DATASET -> StoreLayout.hubDatasetFolder(repo);
    };
  }

  /**
   * Says that files of a commit are wanted now, whether they are there or not. To be said before
   * {@link #find}, and again every few minutes: what was found then stays.
   */
  public void use(RepoListing listing, Collection<HubFile> files) {
    use(listing, files.stream().map(HubFile::identity));
  }

  /**
   * Says the same of a commit that is about to be published, and of the list that will be written
   * of it: where another run has written the same list before, it stays.
   *
   * @return the list's digest
   */
  public Sha256 use(
      RepoListing listing, Map<HubFile, Verified> files, Map<HubFile, Converted> converted) {
    var list = Sha256.sum(Json.bytes(list(listing, files, converted)));
    use(
        listing,
        Stream.concat(
            files.keySet().stream().map(HubFile::identity), Stream.of("sha256:" + list.hex())));
    return list;
  }

  private void use(RepoListing listing, Stream<String> identities) {
    var wanted = Use.now(identities.sorted().distinct().toList());
    var key = StoreLayout.used(folder(listing.type(), listing.repo()), listing.commit());
    store.put(bucket(listing.type()), key, Json.bytes(wanted), JSON);
  }

  /** To be called after {@link #use} and before {@link #find}: what is going away is gone then. */
  public void awaitRemovals(Clock clock) throws InterruptedException {
    while (Claim.isTaken(store, clock, StoreLayout.MODELS, StoreLayout.removing())) {
      Thread.sleep(REMOVAL_MILLIS);
    }
  }

  /** The commit that a revision stood for when it was last fetched. */
  public Optional<Ref> ref(RepoType type, RepoId repo, String revision) {
    return store
        .read(bucket(type), StoreLayout.ref(folder(type, repo), revision))
        .flatMap(stored -> parse(stored.bytes(), Ref.class));
  }

  /**
   * Looks at what a revision stands for, to be done before a list of it is asked for: what is
   * published of that list takes the revision back to no older one.
   */
  public RefSeen seen(RepoType type, RepoId repo, String revision, Clock clock) {
    var at = clock.instant();
    try {
      var there = store.read(bucket(type), StoreLayout.ref(folder(type, repo), revision));
      return new RefSeen(at, there.map(Stored::etag).orElse(""));
    } catch (ObjectStoreException.Unavailable e) {
      log.debug("{} of {} was not looked at: {}", revision, repo, e.getMessage());
      return new RefSeen(at, "");
    }
  }

  /** The files of a commit that lie in the store. */
  public Optional<RepoManifest> manifest(RepoType type, RepoId repo, String commit) {
    return store
        .read(bucket(type), StoreLayout.manifest(folder(type, repo), commit))
        .flatMap(stored -> parse(stored.bytes(), RepoManifest.class));
  }

  /** The commit that a revision stood for when it was last fetched, with the files kept of it. */
  public Optional<RepoListing> lastKnown(RepoType type, RepoId repo, String revision) {
    var commit =
        COMMIT.matcher(revision).matches()
            ? Optional.of(revision)
            : ref(type, repo, revision).map(Ref::commit).filter(c -> COMMIT.matcher(c).matches());
    return commit.flatMap(
        c ->
            manifest(type, repo, c)
                .map(manifest -> new RepoListing(type, repo, revision, c, files(manifest))));
  }

  private static List<HubFile> files(RepoManifest manifest) {
    return manifest.files().stream()
        .map(e -> new HubFile(e.path(), e.size(), e.gitSha1(), e.sha256()))
        .toList();
  }

  /** Free bytes of the store's medium, when it can tell. */
  public Optional<Long> freeBytes() {
    return store.freeBytes();
  }

  /** The blob of a file, when it lies verified in the store. */
  public Optional<Verified> find(String bucket, HubFile file) {
    var digest = file.sha256();
    if (digest != null) {
      return marker(bucket, digest);
    }
    return Optional.ofNullable(file.gitSha1())
        .flatMap(id -> store.read(bucket, StoreLayout.gitBlob(id)))
        .flatMap(stored -> parse(stored.bytes(), Sha256.class))
        .flatMap(sha256 -> marker(bucket, sha256))
        .filter(verified -> verified.size() == file.size());
  }

  /** Begins a blob whose digest is known; it is visible once completed, and counts once marked. */
  public DigestingUpload begin(String bucket, Sha256 digest) {
    return DigestingUpload.start(store, bucket, StoreLayout.blob(digest), BYTES);
  }

  /** Stores a small blob. */
  public void put(String bucket, Sha256 digest, byte[] bytes) {
    store.put(bucket, StoreLayout.blob(digest), bytes, BYTES);
  }

  /**
   * Lets a blob count that came by another way than a download, whatever a download of it is at.
   *
   * @param join makes the blob visible, whose digest was right
   * @param mark says that it counts
   * @return what it was marked with
   * @throws ObjectStoreException.Unavailable when somebody else has come between
   */
  public Verified settle(
      String bucket, Sha256 digest, Clock clock, Runnable join, Supplier<Verified> mark)
      throws InterruptedException {
    return new Takeover(store, clock, bucket, digest).run(join, mark);
  }

  /** Bytes of a blob; the caller closes the stream. */
  public InputStream open(String bucket, Sha256 digest, long offset, long length) {
    return store.open(bucket, StoreLayout.blob(digest), offset, length);
  }

  /**
   * The first bytes of a file, when it lies verified in the store.
   *
   * @param length how many at most; small
   */
  public Optional<byte[]> read(RepoType type, HubFile file, long length) {
    var bucket = bucket(type);
    return find(bucket, file)
        .map(
            verified -> {
              if (verified.size() == 0) {
                return new byte[0];
              }
              try (var in = open(bucket, verified.sha256(), 0, Math.min(length, verified.size()))) {
                return in.readAllBytes();
              } catch (IOException e) {
                throw new ObjectStoreException.Unavailable("reading " + file.path(), e);
              }
            });
  }

  /** The blob of a digest, when it lies verified in the store. */
  public Optional<Verified> find(String bucket, Sha256 digest) {
    return marker(bucket, digest);
  }

  /** What a verified file was converted to, when that lies in the store. */
  public Optional<Verified> converted(String bucket, Verified original, int converterVersion) {
    return store
        .read(bucket, StoreLayout.converted(original.sha256()))
        .flatMap(stored -> parse(stored.bytes(), Conversion.class))
        .filter(conversion -> conversion.converterVersion() == converterVersion)
        .filter(
            conversion ->
                marker(bucket, conversion.sha256())
                    .filter(verified -> verified.size() == conversion.size())
                    .isPresent())
        .map(conversion -> made(original, conversion.sha256(), conversion.size()));
  }

  /** Says that a blob holds what a verified file was converted to: from now on it counts. */
  public Verified markConverted(
      String bucket, Verified original, int converterVersion, Sha256 digest, long size) {
    var made = made(original, digest, size);
    store.put(bucket, StoreLayout.verified(digest), Json.bytes(made), JSON);
    var conversion = new Conversion(digest, size, converterVersion);
    store.put(bucket, StoreLayout.converted(original.sha256()), Json.bytes(conversion), JSON);
    return made;
  }

  private static Verified made(Verified original, Sha256 digest, long size) {
    return new Verified(
        digest, size, original.verifiedBy(), original.source(), original.fetchedAt());
  }

  /**
   * Says that a blob's digest was right: from now on it counts. What was said first stays, so that
   * all who list the same files write the same list of them.
   *
   * @return what it is marked with
   */
  public Verified mark(String bucket, HubFile file, Verified verified) {
    var gitId = file.gitSha1();
    if (file.sha256() == null && gitId != null) {
      var key = StoreLayout.gitBlob(gitId);
      store.put(bucket, key, Json.bytes(verified.sha256()), JSON);
    }
    var key = StoreLayout.verified(verified.sha256());
    if (store.putIfAbsent(bucket, key, Json.bytes(verified), JSON).isPresent()) {
      return verified;
    }
    var first = marker(bucket, verified.sha256());
    if (first.isEmpty()) {
      store.put(bucket, key, Json.bytes(verified), JSON);
    }
    return first.orElse(verified);
  }

  /**
   * Writes the manifest of a commit of which nothing was converted and for which nobody vouches.
   */
  public ObjectRef publish(RepoListing listing, Map<HubFile, Verified> files) {
    return publish(listing, null, files);
  }

  /**
   * Does the same.
   *
   * @param seen what the store said of the revision before; null when nobody looked
   */
  ObjectRef publish(RepoListing listing, @Nullable RefSeen seen, Map<HubFile, Verified> files) {
    return publish(listing, seen, files, Map.of(), _ -> List.of());
  }

  /**
   * Writes the manifest of a commit, after all its files are marked. The commit's shared manifest
   * grows by them, and by who vouches for them; what is returned is one of exactly these files,
   * which never changes. Last of all the revision is said to stand for this commit, unless somebody
   * who asked later has said otherwise.
   *
   * @param converted those of the files that something else stands for
   */
  public ObjectRef publish(
      RepoCopies copies, Map<HubFile, Verified> files, Map<HubFile, Converted> converted) {
    return publish(
        copies.listing(),
        copies.refSeen().orElse(null),
        files,
        converted,
        file -> {
          var verified = files.get(file);
          return verified == null ? List.of() : copies.vouchers(file, verified.sha256());
        });
  }

  private ObjectRef publish(
      RepoListing listing,
      @Nullable RefSeen seen,
      Map<HubFile, Verified> files,
      Map<HubFile, Converted> converted,
      Function<HubFile, List<String>> vouchers) {
    var bucket = bucket(listing.type());
    var own = list(listing, files, converted);
    var bytes = Json.bytes(own);
    var digest = Sha256.sum(bytes);
    var reference = new ObjectRef(bucket, StoreLayout.blob(digest), bytes.length, digest);
    store.put(bucket, reference.key(), bytes, JSON);
    var newest =
        own.files().stream().map(RepoManifest.Entry::fetchedAt).max(Comparator.naturalOrder());
    var marker =
        new Verified(reference.sha256(), bytes.length, "manifest", "flora", newest.orElseThrow());
    store.put(bucket, StoreLayout.verified(reference.sha256()), Json.bytes(marker), JSON);
    var vouched = new ArrayList<RepoManifest.Entry>();
    files.forEach(
        (file, verified) -> {
          var made = converted.get(file);
          // what we made ourselves is on nobody's list
          vouched.add(
              made == null
                  ? entry(file, verified).listedBy(vouchers.apply(file))
                  : entry(file, verified, made));
        });
    vouched.sort(Comparator.comparing(RepoManifest.Entry::path));
    adopt(
        listing.type(),
        listing.revision(),
        new RepoManifest(own.repo(), own.commit(), vouched),
        seen);
    return reference;
  }

  /** Exactly these files: the same bytes whoever writes them. */
  private static RepoManifest list(
      RepoListing listing, Map<HubFile, Verified> files, Map<HubFile, Converted> converted) {
    var entries = new ArrayList<RepoManifest.Entry>();
    files.forEach(
        (file, verified) -> {
          var made = converted.get(file);
          entries.add(made == null ? entry(file, verified) : entry(file, verified, made));
        });
    entries.sort(Comparator.comparing(RepoManifest.Entry::path));
    return new RepoManifest(listing.repo(), listing.commit(), entries);
  }

  /**
   * Adds to the shared manifest of a commit, all of whose files are marked, and says that the
   * revision stands for it.
   *
   * @param seen what the store said of the revision before; null when nobody looked
   */
  public void adopt(RepoType type, String revision, RepoManifest manifest, @Nullable RefSeen seen) {
    var bucket = bucket(type);
    var folder = folder(type, manifest.repo());
    merge(bucket, StoreLayout.manifest(folder, manifest.commit()), manifest);
    if (!revision.equals(manifest.commit())) {
      move(bucket, StoreLayout.ref(folder, revision), revision, manifest.commit(), seen);
    }
  }

  /**
   * Says what a revision stands for, but never takes it back: where somebody has said it since our
   * list was asked for, whose list was asked for later is right. Clocks are compared then only.
   */
  private void move(
      String bucket, String key, String revision, String commit, @Nullable RefSeen seen) {
    var ref = new Ref(revision, commit, seen == null ? null : seen.at());
    while (true) {
      var there = store.read(bucket, key);
      if (there.isEmpty()) {
        if (store.putIfAbsent(bucket, key, Json.bytes(ref), JSON).isPresent()) {
          return;
        }
        continue;
      }
      var etag = there.get().etag();
      var now = parse(there.get().bytes(), Ref.class);
      if (now.filter(n -> n.says(revision, commit)).isPresent()) {
        return;
      }
      boolean isAsSeen = seen != null && seen.etag().equals(etag);
      if (!isAsSeen && now.filter(n -> isLater(n, seen)).isPresent()) {
        log.info("{} is not taken back to {}: somebody has listed it since", key, commit);
        return;
      }
      if (store.putIfMatch(bucket, key, Json.bytes(ref), JSON, etag).isPresent()) {
        return;
      }
    }
  }

  private static boolean isLater(Ref ref, @Nullable RefSeen than) {
    var listedAt = ref.listedAt();
    return listedAt != null && (than == null || listedAt.isAfter(than.at()));
  }

  private void merge(String bucket, String key, RepoManifest own) {
    while (true) {
      var there = store.read(bucket, key);
      if (there.isEmpty()) {
        if (store.putIfAbsent(bucket, key, Json.bytes(own), JSON).isPresent()) {
          return;
        }
        continue;
      }
      var old = Json.read(there.get().bytes(), RepoManifest.class);
      var merged = MergedLists.of(old, own);
      if (merged.equals(old)
          || store
              .putIfMatch(bucket, key, Json.bytes(merged), JSON, there.get().etag())
              .isPresent()) {
        return;
      }
    }
  }

  private static RepoManifest.Entry entry(HubFile file, Verified verified) {
    return new RepoManifest.Entry(
        file.path(),
        verified.size(),
        verified.sha256(),
        file.gitSha1(),
        verified.verifiedBy(),
        verified.source(),
        verified.fetchedAt(),
        List.of(),
        null);
  }

  private static RepoManifest.Entry entry(HubFile file, Verified original, Converted made) {
    var verified = made.verified();
    return new RepoManifest.Entry(
        made.path(),
        verified.size(),
        verified.sha256(),
        null,
        verified.verifiedBy(),
        verified.source(),
        verified.fetchedAt(),
        List.of(),
        new RepoManifest.Original(file.path(), original.size(), original.sha256()));
  }

  private Optional<Verified> marker(String bucket, Sha256 digest) {
    return store
        .read(bucket, StoreLayout.verified(digest))
        .flatMap(stored -> parse(stored.bytes(), Verified.class))
        .filter(
            verified ->
                store
                    .head(bucket, StoreLayout.blob(digest))
                    .filter(blob -> blob.size() == verified.size())
                    .isPresent());
  }

  /** Empty for what is not ours: then the file is fetched again and marked anew. */
  private static <T> Optional<T> parse(byte[] json, Class<T> type) {
    try {
      return Optional.of(Json.read(json, type));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }
}
