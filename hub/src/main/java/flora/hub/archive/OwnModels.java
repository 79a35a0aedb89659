package flora.hub.archive;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Models that somebody put into the store: repositories whose id has one part, every file of which
 * was uploaded. Their commit follows from their files, {@code main} stands for the newest, and it
 * is pinned: nobody else has it. Thread-safe.
 */
public final class OwnModels {

  /** What an uploaded file's digest was checked against, and where it came from. */
  public static final String UPLOADED = "upload";

  private static final String JSON = "application/json";
  private static final int COMMIT = 40;

  private final ObjectStore store;
  private final Archive archive;
  private final Clock clock;

  public OwnModels(ObjectStore store, Clock clock) {
    this.store = store;
    this.archive = new Archive(store);
    this.clock = clock;
  }

  /** An own model at {@code main} or a commit; empty for a name that was not uploaded to. */
  public Optional<RepoListing> find(RepoId name, String revision) {
    if (name.value().contains("/")) {
      return Optional.empty();
    }
    return archive
        .lastKnown(RepoType.MODEL, name, revision)
        .filter(
            listing ->
                archive
                    .manifest(RepoType.MODEL, name, listing.commit())
                    .filter(OwnModels::isUploaded)
                    .isPresent());
  }

  private static boolean isUploaded(RepoManifest manifest) {
    return manifest.files().stream().allMatch(file -> file.verifiedBy().equals(UPLOADED));
  }

  /** Whether the store has a repository of a hub under this name. */
  public boolean isHubs(RepoId name) {
    return archive.lastKnown(RepoType.MODEL, name, RepoReference.DEFAULT_REVISION).isPresent()
        && find(name, RepoReference.DEFAULT_REVISION).isEmpty();
  }

  /** Digest of the files, as a commit. */
  public static String commit(SortedMap<String, Sha256> files) {
    var lines = new StringBuilder();
    files.forEach(
        (path, digest) -> lines.append(path).append(' ').append(digest.hex()).append('\n'));
    return Sha256.sum(lines.toString().getBytes(StandardCharsets.UTF_8)).hex().substring(0, COMMIT);
  }

  /** A blob that a model was to consist of and that is not, or no longer, in the store. */
  public static final class BlobGone extends RuntimeException {
    private final String path;

    BlobGone(String path) {
      super(path + " does not lie in the store");
      this.path = path;
    }

    /** Of the file. */
    public String path() {
      return path;
    }
  }

  /**
   * Lets a name stand for these files, each of which lies verified in the store. Nobody sees a part
   * of them.
   *
   * @throws BlobGone for a file that does not
   */
  public RepoListing publish(RepoId name, Map<String, Verified> files) throws InterruptedException {
    var seen = archive.seen(RepoType.MODEL, name, RepoReference.DEFAULT_REVISION, clock);
    var digests = new TreeMap<String, Sha256>();
    files.forEach((path, verified) -> digests.put(path, verified.sha256()));
    var byFile = new LinkedHashMap<HubFile, Verified>();
    for (var path : digests.keySet()) {
      var verified = files.get(path);
      if (verified != null) {
        byFile.put(new HubFile(path, verified.size(), null, verified.sha256()), uploaded(verified));
      }
    }
    var listing =
        new RepoListing(
            RepoType.MODEL,
            name,
            RepoReference.DEFAULT_REVISION,
            commit(digests),
            List.copyOf(byFile.keySet()));
    archive.use(listing, byFile.keySet());
    archive.awaitRemovals(clock);
    for (var file : byFile.keySet()) {
      if (archive.find(StoreLayout.MODELS, file).isEmpty()) {
        throw new BlobGone(file.path());
      }
    }
    archive.publish(listing, seen, byFile);
    store.put(
        StoreLayout.MODELS,
        StoreLayout.pin(StoreLayout.modelFolder(name), listing.revision()),
        Json.bytes(new Pin(listing.revision())),
        JSON);
    return listing;
  }

  /** The same bytes may have come from a hub before: here they were brought. */
  private static Verified uploaded(Verified verified) {
    return new Verified(
        verified.sha256(), verified.size(), UPLOADED, UPLOADED, verified.fetchedAt());
  }

  /**
   * Forgets a model with all its commits. Its bytes go with the next clean-up; runs that work with
   * them keep them.
   *
   * @return whether there was one
   */
  public boolean remove(RepoId name) {
    if (find(name, RepoReference.DEFAULT_REVISION).isEmpty()) {
      return false;
    }
    var folder = StoreLayout.modelFolder(name);
    // first what makes it findable
    store.delete(StoreLayout.MODELS, StoreLayout.ref(folder, RepoReference.DEFAULT_REVISION));
    try (var objects = store.list(StoreLayout.MODELS, folder)) {
      objects.map(ObjectInfo::key).toList().forEach(key -> store.delete(StoreLayout.MODELS, key));
    }
    return true;
  }
}
