package flora.gateway.bundle;

import flora.gateway.error.Refusal;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Blob;
import flora.schemas.Json;
import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * What a bundle holds; its first file. The same commits are the same bytes: no clock stands in it.
 *
 * @param format always {@value #FORMAT}
 * @param version of the format
 * @param repositories in the order of their kind, id and revision
 */
record BundleManifest(String format, int version, List<Repository> repositories) {

  static final String FORMAT = "flora-bundle";
  static final int VERSION = 1;

  /** Name of the manifest in the bundle. */
  static final String NAME = "flora-bundle.json";

  /** Name of the signature of the manifest, which comes next when there is one. */
  static final String SIGNATURE = "flora-bundle.sig";

  /** Bytes; some ten thousand files. */
  static final int LARGEST = 32 << 20;

  /** What any S3 can hold in one object. */
  private static final long LARGEST_FILE = 5L << 40;

  private static final int LONGEST_WORD = 256;
  private static final int LONGEST_PATH = 1024;

  BundleManifest {
    repositories = List.copyOf(repositories);
  }

  /**
   * One commit of a repository.
   *
   * @param type {@code model} or {@code dataset}
   * @param revision what stands for the commit
   * @param manifest its files
   */
  record Repository(String type, String revision, RepoManifest manifest) {

    RepoType kind() {
      return switch (type) {
        case "model" -> RepoType.MODEL;
        case "dataset" -> RepoType.DATASET;
        default ->
            throw Refusal.BadBundle.malformed("the bundle holds a repository of an unknown kind");
      };
    }
  }

  static BundleManifest of(List<Repository> repositories) {
    return new BundleManifest(
        FORMAT,
        VERSION,
        repositories.stream()
            .sorted(
                Comparator.comparing(Repository::type)
                    .thenComparing(r -> r.manifest().repo().value())
                    .thenComparing(Repository::revision))
            .toList());
  }

  /**
   * Reads one, every field of which may be hostile.
   *
   * @throws Refusal.BadBundle when it cannot be one
   */
  static BundleManifest read(byte[] json) {
    BundleManifest manifest;
    try {
      manifest = Json.read(json, BundleManifest.class);
    } catch (JacksonException e) {
      throw Refusal.BadBundle.malformed("the list of the bundle cannot be read");
    }
    if (manifest == null || !FORMAT.equals(manifest.format()) || manifest.version() != VERSION) {
      throw Refusal.BadBundle.malformed(
          "the bundle is of another format or version than " + FORMAT + " " + VERSION);
    }
    if (manifest.repositories().isEmpty()) {
      throw Refusal.BadBundle.malformed("the bundle holds no repository");
    }
    manifest.repositories().forEach(BundleManifest::check);
    manifest.blobs();
    return manifest;
  }

  /** What is said of a repository becomes keys, answers and the manifests of later fetches. */
  private static void check(@Nullable Repository repository) {
    if (repository == null || isAnyMissing(repository)) {
      throw Refusal.BadBundle.malformed("the bundle lists a repository of which a part is missing");
    }
    repository.kind();
    var list = repository.manifest();
    try {
      new RepoReference(list.repo(), repository.revision());
    } catch (IllegalArgumentException e) {
      throw Refusal.BadBundle.malformed("the bundle names a revision that cannot be one");
    }
    if (!isCommit(list.commit()) || list.files().isEmpty()) {
      throw Refusal.BadBundle.malformed("the bundle lists no commit with files");
    }
    var paths = new HashSet<String>();
    for (var file : list.files()) {
      if (!isSound(file) || !paths.add(file.path())) {
        throw Refusal.BadBundle.malformed(
            "the bundle lists a file whose path, size or digest cannot be");
      }
    }
  }

  // what comes from JSON may be null whatever its type says
  private static boolean isAnyMissing(Repository repository) {
    var list = repository.manifest();
    return Stream.of(repository.type(), repository.revision(), list).anyMatch(Objects::isNull)
        || Stream.of(list.repo(), list.commit()).anyMatch(Objects::isNull);
  }

  private static boolean isSound(RepoManifest.Entry file) {
    if (Stream.of(file.path(), file.sha256(), file.verifiedBy(), file.source(), file.fetchedAt())
        .anyMatch(Objects::isNull)) {
      return false;
    }
    var original = file.convertedFrom();
    return isPath(file.path())
        && isSize(file.size())
        && (file.gitSha1() == null || file.gitSha1().matches("[0-9a-f]{40}"))
        && isWord(file.verifiedBy())
        && isWord(file.source())
        && file.listedBy().stream().allMatch(BundleManifest::isWord)
        && (original == null
            || (original.path() != null
                && original.sha256() != null
                && isPath(original.path())
                && isSize(original.size())));
  }

  private static boolean isSize(long size) {
    return size >= 0 && size <= LARGEST_FILE;
  }

  private static boolean isWord(String text) {
    return text.length() <= LONGEST_WORD && isPrintable(text);
  }

  private static boolean isPath(String path) {
    return !path.isEmpty()
        && path.length() <= LONGEST_PATH
        && isPrintable(path)
        && path.indexOf('\\') < 0
        && Stream.of(path.split("/", -1))
            .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
  }

  private static boolean isPrintable(String text) {
    return text.codePoints().noneMatch(Character::isISOControl);
  }

  /** Whether it can name a commit. */
  static boolean isCommit(String text) {
    return text.matches("[0-9a-f]{40,64}");
  }

  /** What is signed, byte for byte. */
  byte[] bytes() {
    return Json.bytes(this);
  }

  /** What comes after the manifest and its signature, in that order, with the sizes. */
  SortedMap<String, Listed> blobs() {
    var blobs = new TreeMap<String, Listed>();
    for (var repository : repositories) {
      var bucket = Archive.bucket(repository.kind());
      for (var file : repository.manifest().files()) {
        var listed = new Listed(new Blob.Id(bucket, file.sha256()), file.size(), file);
        var before = blobs.put(name(repository, file.sha256()), listed);
        if (before != null && before.size() != listed.size()) {
          throw Refusal.BadBundle.malformed("the bundle lists one digest with two sizes");
        }
      }
    }
    return blobs;
  }

  /**
   * A blob that the manifest promises.
   *
   * @param file one of the files that it is
   */
  record Listed(Blob.Id id, long size, RepoManifest.Entry file) {}

  private static String name(Repository repository, Sha256 digest) {
    return "blobs/%s/%s".formatted(repository.type(), digest.hex());
  }
}
