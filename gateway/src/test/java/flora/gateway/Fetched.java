package flora.gateway;

import flora.fakehub.FakeRepo;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.mirror.Mirrors;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** Repositories of text files, and what the fetch stage leaves of them in the store. */
final class Fetched {

  /**
   * A diffusers pipeline whose unet has a half-precision variant; weights are what their name is.
   */
  static final Map<String, String> PIPELINE = pipeline();

  private Fetched() {}

  private static Map<String, String> pipeline() {
    var files = new LinkedHashMap<String, String>();
    files.put(
        "model_index.json",
        """
        {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
         "scheduler": ["diffusers", "DDIMScheduler"], "vae": ["diffusers", "AutoencoderKL"]}
        """);
    files.put("README.md", "a card");
    files.put("scheduler/scheduler_config.json", "{}");
    files.put("unet/config.json", "{\"unet\": 1}");
    files.put("unet/diffusion_pytorch_model.safetensors", "unet in full");
    files.put("unet/diffusion_pytorch_model.fp16.safetensors", "unet in half");
    files.put("unet/diffusion_pytorch_model.bin", "unet as a pickle");
    files.put("vae/config.json", "{\"vae\": 1}");
    files.put("vae/diffusion_pytorch_model.safetensors", "vae in full");
    return files;
  }

  /** A repository of these files on the hub of all tests. */
  static FakeRepo offer(FakeRepo repo, Map<String, String> files) {
    files.forEach(repo::file);
    Platform.get().hub().add(repo.commit("main"));
    return repo;
  }

  /** Leaves in the store what a fetch of these files would. */
  static RepoListing keep(
      Gateway gateway, RepoType type, String id, Map<String, String> files, String... paths)
      throws InterruptedException {
    var listing =
        gateway.bean(Mirrors.class).locate(type, new RepoId(id), "main", "true").listing();
    var archive = new Archive(Platform.get().storeOf(gateway));
    var bucket = Archive.bucket(type);
    var verified = new LinkedHashMap<HubFile, Verified>();
    for (var path : paths) {
      var file = listing.file(path).orElseThrow();
      var bytes = files.get(path).getBytes(StandardCharsets.UTF_8);
      var digest = Sha256.sum(bytes);
      var by = file.sha256() == null ? "git-sha1" : "lfs-sha256";
      var known = new Verified(digest, bytes.length, by, "test", Instant.now());
      archive.put(bucket, digest, bytes);
      archive.mark(bucket, file, known);
      verified.put(file, known);
    }
    archive.publish(listing, verified);
    return listing;
  }
}
