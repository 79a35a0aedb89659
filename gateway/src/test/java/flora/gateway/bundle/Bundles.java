package flora.gateway.bundle;

import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** Bundles for tests, sound ones and others. */
final class Bundles {

  static final RepoId REPO = new RepoId("flora/bundled");
  static final String COMMIT = "c".repeat(40);
  static final byte[] CONFIG = "{\"small\": true}".getBytes(StandardCharsets.US_ASCII);
  static final byte[] WEIGHTS = weights();
  static final byte[] EMPTY = {};

  private Bundles() {}

  private static byte[] weights() {
    var bytes = new byte[20_000];
    new java.util.Random(7).nextBytes(bytes);
    return bytes;
  }

  /** A file of a tar; its size is that of its bytes unless something else is said. */
  record Part(String name, byte[] bytes, long size, byte kind) {
    static Part of(String name, byte[] bytes) {
      return new Part(name, bytes, bytes.length, TarConstants.LF_NORMAL);
    }

    static Part blob(byte[] bytes) {
      return of(name(bytes), bytes);
    }

    static String name(byte[] bytes) {
      return "blobs/model/" + Sha256.sum(bytes).hex();
    }

    Part named(String other) {
      return new Part(other, bytes, size, kind);
    }

    Part holding(byte[] other) {
      return new Part(name, other, size, kind);
    }

    Part saying(long other) {
      return new Part(name, bytes, other, kind);
    }

    Part as(byte other) {
      return new Part(name, bytes, size, other);
    }
  }

  static RepoManifest.Entry file(String path, byte[] bytes) {
    return new RepoManifest.Entry(
        path,
        bytes.length,
        Sha256.sum(bytes),
        gitId(bytes),
        "lfs-sha256",
        "hub.example",
        Instant.EPOCH,
        List.of("origin"),
        null);
  }

  static BundleManifest manifest(RepoManifest.Entry... files) {
    return BundleManifest.of(
        List.of(
            new BundleManifest.Repository(
                "model", "main", new RepoManifest(REPO, COMMIT, List.of(files)))));
  }

  static BundleManifest manifest() {
    return manifest(
        file("config.json", CONFIG), file("empty", EMPTY), file("model.safetensors", WEIGHTS));
  }

  /** What a sound bundle is made of; to be changed. */
  static List<Part> parts() {
    return parts(manifest().bytes());
  }

  static List<Part> parts(byte[] manifest) {
    var parts = new ArrayList<Part>();
    parts.add(Part.of(BundleManifest.NAME, manifest));
    var blobs = new TreeMap<String, Part>();
    for (var bytes : List.of(CONFIG, EMPTY, WEIGHTS)) {
      blobs.put(Part.name(bytes), Part.blob(bytes));
    }
    parts.addAll(blobs.values());
    return parts;
  }

  /** The parts with the one that holds these bytes replaced. */
  static List<Part> with(byte[] bytes, java.util.function.UnaryOperator<Part> change) {
    var parts = parts();
    parts.replaceAll(part -> Arrays.equals(part.bytes(), bytes) ? change.apply(part) : part);
    return parts;
  }

  static List<Part> signed(KeyPair key, byte[] manifest) {
    var parts = parts(manifest);
    parts.add(
        1, Part.of(BundleManifest.SIGNATURE, Json.bytes(BundleSignature.of(sign(key, manifest)))));
    return parts;
  }

  /** The file. Written by hand where a library would not write such a thing. */
  static byte[] tar(List<Part> parts) {
    var out = new ByteArrayOutputStream();
    try {
      for (var part : parts) {
        var header = new byte[TarConstants.DEFAULT_RCDSIZE];
        var entry = new TarArchiveEntry(part.name(), part.kind(), true);
        entry.setSize(part.size());
        entry.setMode(0100644);
        if (part.kind() == TarConstants.LF_SYMLINK || part.kind() == TarConstants.LF_LINK) {
          entry.setLinkName("/etc/passwd");
        }
        entry.writeEntryHeader(header);
        out.write(header);
        out.write(part.bytes());
        out.write(new byte[Math.floorMod(-part.bytes().length, TarConstants.DEFAULT_RCDSIZE)]);
      }
      out.write(new byte[2 * TarConstants.DEFAULT_RCDSIZE]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  static KeyPair key() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  static BundleSignature.Trusted trusting(KeyPair... keys) {
    return new BundleSignature.Trusted(
        Arrays.stream(keys)
            .map(key -> Base64.getEncoder().encodeToString(key.getPublic().getEncoded()))
            .toList());
  }

  static String sign(KeyPair key, byte[] bytes) {
    try {
      var signature = Signature.getInstance("Ed25519");
      signature.initSign(key.getPrivate());
      signature.update(bytes);
      return Base64.getEncoder().encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  static String gitId(byte[] bytes) {
    try {
      var sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
      return HexFormat.of().formatHex(sha1.digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether anything of the bundle can be seen by whoever asks for the repository. */
  static boolean isVisible(ObjectStore store) {
    var archive = new Archive(store);
    return archive.manifest(RepoType.MODEL, REPO, COMMIT).isPresent()
        || archive.ref(RepoType.MODEL, REPO, "main").isPresent();
  }

  /** Keys and etags of everything but the word that says when something was last wanted. */
  static Map<String, String> contents(ObjectStore store) {
    var found = new TreeMap<String, String>();
    for (var bucket : StoreLayout.BUCKETS) {
      try (var objects = store.list(bucket, "")) {
        objects
            .filter(object -> !object.key().endsWith("/used.json"))
            .map((ObjectInfo o) -> Map.entry(bucket + "/" + o.key(), o.etag()))
            .forEach(object -> found.put(object.getKey(), object.getValue()));
      }
    }
    return found;
  }
}
