package flora.trainer;

import flora.models.singlefile.ModelFiles;
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.stage.SnapshotFolder;
import flora.store.LocalCache;
import flora.trainer.recipe.TrainingJob;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The models that a run fetched, laid out as folders, or as the one file that holds all networks.
 *
 * @param files where their parts lie
 * @param origin what the adapter's files say of them
 * @param digests of the files that are used, by role and path
 */
record BaseModel(ModelFiles files, TrainingJob.Origin origin, SortedMap<String, Sha256> digests) {

  /** Links what the fetch stage found into folders below one that is removed after the run. */
  static BaseModel link(FetchEvent.Completed fetched, LocalCache cache, Path folder) {
    var base =
        snapshot(fetched, RepoRole.BASE_MODEL)
            .orElseThrow(() -> new TrainerException.PartMissing("a base model"));
    var vae = snapshot(fetched, RepoRole.VAE);
    var tokenizer = snapshot(fetched, RepoRole.TOKENIZER);
    var digests = new TreeMap<String, Sha256>();

    var single = singleFile(SnapshotFolder.manifest(cache, base));
    var baseFiles =
        SnapshotFolder.open(
            cache,
            base,
            folder,
            path ->
                single.isPresent()
                    ? path.equals(single.get().path())
                    : isPart(path, "unet")
                        || isPart(path, "text_encoder")
                        || isPart(path, "scheduler")
                        || (vae.isEmpty() && isPart(path, "vae"))
                        || (tokenizer.isEmpty() && isPart(path, "tokenizer")));
    collect(digests, "base_model", baseFiles);
    var files =
        single
            .map(file -> ModelFiles.open(baseFiles.path().resolve(file.path())))
            .orElseGet(() -> ModelFiles.Folders.of(baseFiles.path()));
    Sha256 vaeWeights = null;
    if (vae.isPresent()) {
      var own = SnapshotFolder.open(cache, vae.get(), folder);
      collect(digests, "vae", own);
      files = files.withVae(own.path());
      vaeWeights =
          digests.entrySet().stream()
              .filter(file -> file.getKey().startsWith("vae/"))
              .filter(file -> file.getKey().endsWith(".safetensors"))
              .map(Map.Entry::getValue)
              .findFirst()
              .orElse(null);
    }
    if (tokenizer.isPresent()) {
      var own =
          SnapshotFolder.open(
              cache, tokenizer.get(), folder, path -> !path.endsWith(".safetensors"));
      collect(digests, "tokenizer", own);
      files = files.withTokenizer(own.path());
    }
    var origin =
        new TrainingJob.Origin(
            base.repo().value(),
            base.commit(),
            single
                .map(RepoManifest.Entry::sha256)
                .orElseGet(() -> unetDigest(baseFiles.manifest())),
            vaeWeights);
    return new BaseModel(files, origin, digests);
  }

  /** The file with all networks, where there is no folder of the denoiser. */
  static Optional<RepoManifest.Entry> singleFile(RepoManifest manifest) {
    if (manifest.files().stream().anyMatch(file -> isPart(file.path(), "unet"))) {
      return Optional.empty();
    }
    var files =
        manifest.files().stream()
            .filter(file -> file.path().endsWith(".safetensors") && !file.path().contains("/"))
            .toList();
    return files.size() == 1 ? Optional.of(files.getFirst()) : Optional.empty();
  }

  private static Optional<Snapshot> snapshot(FetchEvent.Completed fetched, RepoRole role) {
    return fetched.snapshots().stream().filter(s -> s.role() == role).findFirst();
  }

  private static boolean isPart(String path, String part) {
    return path.startsWith(part + "/");
  }

  /** Only what is used: a manifest may name more when another run needed more. */
  private static void collect(
      SortedMap<String, Sha256> digests, String role, SnapshotFolder folder) {
    for (var file : folder.manifest().files()) {
      if (Files.exists(folder.path().resolve(file.path()))) {
        digests.put(role + "/" + file.path(), file.sha256());
      }
    }
  }

  /** The digest of the adapted network's one weight file; of the list of shards where many. */
  private static Sha256 unetDigest(RepoManifest manifest) {
    var weights =
        manifest.files().stream()
            .filter(file -> isPart(file.path(), "unet") && file.path().endsWith(".safetensors"))
            .sorted(Comparator.comparing(RepoManifest.Entry::path))
            .toList();
    if (weights.size() == 1) {
      return weights.getFirst().sha256();
    }
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      for (var file : weights) {
        var line = file.path() + " " + file.sha256() + "\n";
        digest.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return Sha256.of(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
