package flora.fakehub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A repository of a {@link FakeHub}. It is put together before it is added; after that only {@link
 * #commit} changes it.
 */
public final class FakeRepo {

  /** The two kinds of repository; each has its own paths. */
  public enum Type {
    MODEL("models", ""),
    DATASET("datasets", "datasets/");

    final String api;
    final String prefix;

    Type(String api, String prefix) {
      this.api = api;
      this.prefix = prefix;
    }
  }

  /** Files of one commit. */
  record Tree(String commit, NavigableMap<String, Blob> files) {}

  private final Type type;
  private final String id;
  private final NavigableMap<String, Blob> files = new TreeMap<>();
  private final Map<String, Tree> revisions = new ConcurrentHashMap<>();
  private final List<String> formerIds = new ArrayList<>();
  private final Set<String> granted = new HashSet<>();
  private boolean gated;
  private boolean hidden;
  private boolean disabled;

  private FakeRepo(Type type, String id) {
    this.type = type;
    this.id = id;
  }

  /** A model repository; the id has one part or two. */
  public static FakeRepo model(String id) {
    return new FakeRepo(Type.MODEL, id);
  }

  /** A dataset repository. */
  public static FakeRepo dataset(String id) {
    return new FakeRepo(Type.DATASET, id);
  }

  /** Adds every file below a folder. */
  public FakeRepo folder(Path folder) {
    try (var walk = Files.walk(folder)) {
      for (var file : (Iterable<Path>) walk.filter(Files::isRegularFile)::iterator) {
        files.put(folder.relativize(file).toString().replace('\\', '/'), Blob.of(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** Adds a file. */
  public FakeRepo file(String path, byte[] bytes) {
    files.put(path, Blob.of(bytes));
    return this;
  }

  /** Adds a text file. */
  public FakeRepo file(String path, String text) {
    return file(path, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a file of any size whose bytes mean nothing and depend on its path alone. */
  public FakeRepo noise(String path, long size) {
    files.put(path, Blob.noise(path.hashCode(), size));
    return this;
  }

  /**
   * Adds what real repositories carry besides: the same weights in the formats of other frameworks
   * and other precisions, a safety checker, root checkpoints, a card. Nobody can load these; they
   * have the size that they would have, up to 64 MiB.
   */
  public FakeRepo withTwins() {
    Twins.of(files).forEach(files::putIfAbsent);
    return this;
  }

  /** Anybody may see it, but only these tokens may download. */
  public FakeRepo gated(String... tokens) {
    gated = true;
    granted.addAll(List.of(tokens));
    return this;
  }

  /** Only with these tokens does it exist. */
  public FakeRepo hidden(String... tokens) {
    hidden = true;
    granted.addAll(List.of(tokens));
    return this;
  }

  /** Switched off by the hub: it is there and answers nothing but 403. */
  public FakeRepo disabled() {
    disabled = true;
    return this;
  }

  /** A name that it had before; the hub redirects from there. */
  public FakeRepo formerly(String formerId) {
    formerIds.add(formerId);
    return this;
  }

  /** Makes a commit of the files so far and lets a branch or tag stand on it. */
  public FakeRepo commit(String revision) {
    var sha1 = Blob.digest("SHA-1");
    files.forEach(
        (path, blob) ->
            sha1.update((path + "\0" + blob.sha256() + "\n").getBytes(StandardCharsets.UTF_8)));
    var tree = new Tree(HexFormat.of().formatHex(sha1.digest()), new TreeMap<>(files));
    revisions.put(revision, tree);
    revisions.put(tree.commit(), tree);
    return this;
  }

  /** What its id begins with in URLs of files, and its id. */
  public String id() {
    return id;
  }

  /** The commit that a branch or tag stands on. */
  public String commitOf(String revision) {
    return tree(revision).orElseThrow().commit();
  }

  /** Digest of a file on {@code main}. */
  public String sha256(String path) {
    return blob(path).sha256();
  }

  /** What git calls a file on {@code main}, were it not a large one. */
  public String gitSha1(String path) {
    return blob(path).gitSha1();
  }

  /** Bytes of a file on {@code main}. */
  public long size(String path) {
    return blob(path).size();
  }

  private Blob blob(String path) {
    var blob = tree("main").map(tree -> tree.files().get(path)).orElse(null);
    if (blob == null) {
      throw new IllegalArgumentException(id + " has no " + path);
    }
    return blob;
  }

  /** The paths of its files on {@code main}, in order. */
  public List<String> paths() {
    return List.copyOf(tree("main").orElseThrow().files().keySet());
  }

  Type type() {
    return type;
  }

  List<String> formerIds() {
    return formerIds;
  }

  boolean isGated() {
    return gated;
  }

  boolean isDisabled() {
    return disabled;
  }

  boolean shows(@Nullable String token) {
    return !hidden || (token != null && granted.contains(token));
  }

  boolean lets(@Nullable String token) {
    return !gated || (token != null && granted.contains(token));
  }

  Optional<Tree> tree(String revision) {
    return Optional.ofNullable(revisions.get(revision));
  }
}
