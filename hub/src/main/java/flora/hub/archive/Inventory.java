package flora.hub.archive;

import flora.hub.RepoType;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What lies in the store, as far as it can be listed. Nothing is remembered between two calls. */
public final class Inventory {

  private static final String BLOBS = "blobs/sha256/";
  private static final String MARKER = ".verified";

  private final ObjectStore store;

  public Inventory(ObjectStore store) {
    this.store = store;
  }

  /** All repositories of a kind, in the order of their ids. */
  public List<KeptRepo> repositories(RepoType type) {
    var found = new TreeMap<String, Building>();
    each(type, entry -> found.computeIfAbsent(entry.repo(), _ -> new Building()).add(entry));
    var repos = new ArrayList<KeptRepo>();
    found.forEach(
        (id, parts) -> {
          try {
            repos.add(parts.build(type, new RepoId(id)));
          } catch (IllegalArgumentException e) {
            // no repository of ours
          }
        });
    return repos;
  }

  /** What every commit of a kind was last wanted for, by the key that says so. */
  public Map<String, KeptRepo.Touch> uses(RepoType type) {
    var uses = new HashMap<String, KeptRepo.Touch>();
    each(
        type,
        entry -> {
          if (entry.kind() == Kind.USED) {
            uses.put(entry.object().key(), touch(entry.object()));
          }
        });
    return uses;
  }

  /**
   * The blobs that were wanted, as an object of {@link #uses} tells it; those that are not there
   * are left out.
   */
  public Set<Blob.Id> wanted(RepoType type, String key) {
    var bucket = Archive.bucket(type);
    var ids = new HashSet<Blob.Id>();
    for (var identity : read(bucket, key, Use.class).map(Use::files).orElse(List.of())) {
      digest(bucket, identity)
          .ifPresent(
              digest -> {
                ids.add(new Blob.Id(bucket, digest));
                madeOf(bucket, digest).ifPresent(made -> ids.add(new Blob.Id(bucket, made)));
              });
    }
    return ids;
  }

  /** The blob that holds a pickle's tensors. */
  private Optional<Sha256> madeOf(String bucket, Sha256 pickle) {
    return read(bucket, StoreLayout.converted(pickle), JsonNode.class)
        .map(conversion -> conversion.findValue("sha256"))
        .filter(JsonNode::isString)
        .map(JsonNode::asString)
        .filter(hex -> hex.matches("[0-9a-f]{64}"))
        .map(Sha256::new);
  }

  private Optional<Sha256> digest(String bucket, String identity) {
    var id = identity.substring(identity.indexOf(':') + 1);
    try {
      return identity.startsWith("git:")
          ? read(bucket, StoreLayout.gitBlob(id), Sha256.class)
          : Optional.of(new Sha256(id));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Every blob of a bucket. */
  public Map<Blob.Id, Blob> blobs(String bucket) {
    var blobs = new HashMap<Blob.Id, Blob>();
    try (var objects = store.list(bucket, BLOBS)) {
      objects.forEach(
          object -> {
            var name = object.key().substring(object.key().lastIndexOf('/') + 1);
            boolean isMarker = name.endsWith(MARKER);
            var hex = isMarker ? name.substring(0, name.length() - MARKER.length()) : name;
            if (hex.matches("[0-9a-f]{64}")) {
              var id = new Blob.Id(bucket, new Sha256(hex));
              blobs.merge(
                  id,
                  isMarker
                      ? new Blob(bucket, id.digest(), 0, object.lastModified(), true)
                      : new Blob(bucket, id.digest(), object.size(), object.lastModified(), false),
                  Inventory::both);
            }
          });
    }
    return blobs;
  }

  private static Blob both(Blob a, Blob b) {
    var blob = a.marked() ? b : a;
    return new Blob(blob.bucket(), blob.digest(), blob.size(), blob.modified(), true);
  }

  private enum Kind {
    MANIFEST,
    USED,
    REF,
    PIN
  }

  private record Entry(String repo, Kind kind, String name, ObjectInfo object) {}

  private void each(RepoType type, Consumer<Entry> consumer) {
    var top = Archive.folder(type, new RepoId("x"));
    var prefix = top.substring(0, top.indexOf('/') + 1);
    try (var objects = store.list(Archive.bucket(type), prefix)) {
      objects.forEach(
          object -> {
            var parts = object.key().split("/", -1);
            var kind = parts.length == 5 ? kind(parts) : null;
            if (kind != null) {
              var repo = parts[1].equals("_") ? parts[2] : parts[1] + "/" + parts[2];
              consumer.accept(new Entry(repo, kind, parts[3], object));
            }
          });
    }
  }

  private static @org.jspecify.annotations.Nullable Kind kind(String[] parts) {
    return switch (parts[3]) {
      case "refs" -> Kind.REF;
      case "pins" -> Kind.PIN;
      default ->
          switch (parts[4]) {
            case "manifest.json" -> Kind.MANIFEST;
            case "used.json" -> Kind.USED;
            default -> null;
          };
    };
  }

  private static KeptRepo.Touch touch(ObjectInfo object) {
    return new KeptRepo.Touch(object.lastModified(), object.etag());
  }

  private <T> Optional<T> read(String bucket, String key, Class<T> type) {
    try {
      return store.read(bucket, key).map(stored -> Json.read(stored.bytes(), type));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  /** A repository while its objects are listed. */
  private final class Building {
    final Map<String, KeptRepo.Snapshot> snapshots = new HashMap<>();
    final Map<String, KeptRepo.Touch> uses = new HashMap<>();
    final List<Ref> refs = new ArrayList<>();
    final List<Pin> pins = new ArrayList<>();

    void add(Entry entry) {
      var object = entry.object();
      switch (entry.kind()) {
        case MANIFEST ->
            read(object.bucket(), object.key(), RepoManifest.class)
                .ifPresent(
                    manifest ->
                        snapshots.put(
                            entry.name(), new KeptRepo.Snapshot(manifest, object.lastModified())));
        case USED -> uses.put(entry.name(), touch(object));
        case REF -> read(object.bucket(), object.key(), Ref.class).ifPresent(refs::add);
        case PIN -> read(object.bucket(), object.key(), Pin.class).ifPresent(pins::add);
      }
    }

    KeptRepo build(RepoType type, RepoId repo) {
      return new KeptRepo(type, repo, snapshots, uses, refs, pins);
    }
  }
}
