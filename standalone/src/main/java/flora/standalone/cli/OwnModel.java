package flora.standalone.cli;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.OwnModels;
import flora.hub.plan.Documents;
import flora.hub.plan.DownloadPlan;
import flora.hub.plan.Patterns;
import flora.hub.plan.PlanException;
import flora.hub.plan.WantedRepo;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ModelSource.Preset;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import flora.tensors.SafetensorsException;
import flora.tensors.SafetensorsFile;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model on this machine, a file or a folder, that becomes one of the server's: what is needed of
 * it is chosen as of a hub's repository, and what lies there already is not sent again.
 */
final class OwnModel {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final List<String> PICKLES = List.of(".ckpt", ".bin", ".pt", ".pth", ".pkl");
  private static final int TRIES = 20;

  private final String name;

  /** Path in the model → file. */
  private final SortedMap<String, Path> files;

  private OwnModel(String name, SortedMap<String, Path> files) {
    this.name = name;
    this.files = files;
  }

  /**
   * Looks at what lies there.
   *
   * @param name what it is to be called
   * @throws InvalidInput when it is no model that is trained on
   */
  static OwnModel at(Path path, String name) {
    try {
      var files = new TreeMap<String, Path>();
      if (Files.isDirectory(path)) {
        needed(path, name).forEach(file -> files.put(file, path.resolve(file)));
      } else {
        var file = path.getFileName().toString();
        if (PICKLES.stream().anyMatch(file.toLowerCase(Locale.ROOT)::endsWith)) {
          throw new InvalidInput(
              ("%s is a pickle, which is not read from your disk: name the hub's repository that has"
                      + " it as base_model, where pickles are converted; or save it as .safetensors")
                  .formatted(path));
        }
        try (var tensors = SafetensorsFile.open(path)) {
          if (tensors.tensors().isEmpty()) {
            throw new InvalidInput(path + " holds no tensors");
          }
        }
        files.put(name + ".safetensors", path);
      }
      return new OwnModel(name, files);
    } catch (SafetensorsException e) {
      throw new InvalidInput(String.valueOf(e.getMessage()));
    } catch (PlanException e) {
      throw new InvalidInput(
          "%s: %s%n  %s".formatted(path, e.getMessage(), e.hint() == null ? "" : e.hint()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The name of a model that lies at a path: the file's without its ending, or the folder's. */
  static String nameOf(Path path) {
    var last = path.toAbsolutePath().normalize().getFileName();
    var stem =
        (last == null ? "" : last.toString())
            .replaceFirst("\\.(safetensors|ckpt|pt|pth|bin)$", "")
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9._-]+", "_")
            .replaceAll("([-.])\\1+", "$1")
            .replaceAll("^[^a-z0-9]+|[^a-z0-9]+$", "");
    if (stem.isEmpty()) {
      throw new InvalidInput("%s has no name that a model could have: rename it".formatted(path));
    }
    return stem.substring(0, Math.min(stem.length(), 90));
  }

  String name() {
    return name;
  }

  long bytes() {
    return files.values().stream().mapToLong(OwnModel::size).sum();
  }

  private static Set<String> needed(Path folder, String name) throws IOException {
    var listed = new ArrayList<HubFile>();
    try (var all = Files.walk(folder, 3, FileVisitOption.FOLLOW_LINKS)) {
      for (var file : all.filter(Files::isRegularFile).sorted().toList()) {
        var path = folder.relativize(file).toString().replace('\\', '/');
        // only paths count here
        listed.add(new HubFile(path, Files.size(file), "0".repeat(40), null));
      }
    }
    var listing = new RepoListing(RepoType.MODEL, new RepoId(name), "main", "0".repeat(40), listed);
    var wanted =
        new WantedRepo(
            "base_model",
            RepoRole.BASE_MODEL,
            RepoReference.parse(name),
            Patterns.NONE,
            Preset.NEEDED,
            "false",
            true);
    try {
      var plan = DownloadPlan.of(wanted, listing, new OnDisk(folder));
      if (!plan.pickles().isEmpty()) {
        throw new InvalidInput(
            "%s has weights only as pickles, such as %s: save them as .safetensors"
                .formatted(folder, plan.pickles().getFirst().path()));
      }
      var paths = new TreeMap<String, Boolean>();
      plan.files().forEach(file -> paths.put(file.path(), true));
      return paths.keySet();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("nothing here waits", e);
    }
  }

  private record OnDisk(Path folder) implements Documents {
    @Override
    public JsonNode read(HubFile file) {
      try {
        return JSON.readTree(Files.readAllBytes(folder.resolve(file.path())));
      } catch (JacksonException e) {
        return JSON.createObjectNode();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Set<String> tensorNames(HubFile file) {
      try (var tensors = SafetensorsFile.open(folder.resolve(file.path()))) {
        return Set.copyOf(tensors.tensors().keySet());
      } catch (SafetensorsException e) {
        return Set.of();
      }
    }
  }

  /**
   * Sends what the server does not have. Where the connection breaks it goes on from the last part
   * that arrived, and so does the next call after this process was killed.
   *
   * @return the commit that these files are
   * @throws InvalidInput when the server made something else of the name
   */
  String send(GatewayClient client) throws IOException, InterruptedException {
    var digests = new TreeMap<String, Sha256>();
    for (var file : files.entrySet()) {
      digests.put(file.getKey(), digest(file.getKey(), file.getValue()));
    }
    var commit = OwnModels.commit(digests);
    if (commit.equals(commit(client))) {
      System.err.printf("model %s is on the server already%n", name);
      return commit;
    }
    var published = "";
    for (var file : files.entrySet()) {
      boolean more = !file.getKey().equals(files.lastKey());
      var digest = digests.get(file.getKey());
      if (digest != null) {
        published = send(client, file.getKey(), file.getValue(), digest, more);
      }
    }
    if (!published.equals(commit)) {
      throw new InvalidInput(
          ("the server made %s of model %s, and the files here are %s: they changed meanwhile, or"
                  + " somebody else uploads to that name; run this again, or give it another name")
              .formatted(published.isEmpty() ? "no commit" : published, name, commit));
    }
    System.err.printf("model %s: %s uploaded%n", name, StageLine.bytes(bytes()));
    return commit;
  }

  private String commit(GatewayClient client) throws InterruptedException {
    try {
      return client.ask("GET", "/v1/models/" + name, null).path("commit").asString("");
    } catch (GatewayClient.Refused e) {
      if (e.status() == 404) {
        return "";
      }
      throw e;
    }
  }

  private String send(GatewayClient client, String path, Path file, Sha256 digest, boolean more)
      throws IOException, InterruptedException {
    long size = size(file);
    for (int failures = 0; ; ) {
      try {
        long there = client.uploadOffset(name, path, digest);
        // more than the file has is left of another one
        long from = there > size ? 0 : there;
        if (from > 0 && from < size) {
          System.err.printf("%s goes on at %s%n", path, StageLine.bytes(from));
        }
        var taken =
            client.putModelFile(name, path, more, digest, from, size, () -> open(path, file, from));
        if (taken.isPresent()) {
          return taken.get().path("commit").asString("");
        }
      } catch (GatewayClient.ServerGone e) {
        if (++failures == TRIES) {
          throw e;
        }
        System.err.printf("the upload of %s broke off, trying again%n", path);
        Thread.sleep(Duration.ofMillis(Math.min(10_000, 500L << Math.min(failures, 5))));
      }
    }
  }

  private static InputStream open(String path, Path file, long from) {
    try {
      var in = Files.newInputStream(file);
      in.skipNBytes(from);
      return new CountingStream(
          new BufferedInputStream(in, 1 << 18), "uploading " + path, size(file) - from);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Sha256 digest(String path, Path file) throws IOException {
    try (var in =
        new DigestInputStream(
            new CountingStream(Files.newInputStream(file), "reading " + path, size(file)),
            MessageDigest.getInstance("SHA-256"))) {
      in.transferTo(OutputStream.nullOutputStream());
      return Sha256.of(in.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
