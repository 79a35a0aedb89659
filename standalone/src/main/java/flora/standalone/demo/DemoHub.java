package flora.standalone.demo;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A hub on loopback with the bundled models, each in a repository as real ones are: the same
 * weights in other formats and precisions beside them, a safety checker, root checkpoints.
 */
final class DemoHub implements AutoCloseable {

  private static final String OWNER = "flora-demo";
  static final String BASE_MODEL = OWNER + "/shapes-sd";
  static final String LABEL_MODEL = OWNER + "/shapes-clip";

  private static final List<String> FILES =
      List.of(
          "shapes-sd/model_index.json",
          "shapes-sd/scheduler/scheduler_config.json",
          "shapes-sd/text_encoder/config.json",
          "shapes-sd/text_encoder/model.safetensors",
          "shapes-sd/tokenizer/merges.txt",
          "shapes-sd/tokenizer/special_tokens_map.json",
          "shapes-sd/tokenizer/tokenizer.json",
          "shapes-sd/tokenizer/tokenizer_config.json",
          "shapes-sd/tokenizer/vocab.json",
          "shapes-sd/unet/config.json",
          "shapes-sd/unet/diffusion_pytorch_model.safetensors",
          "shapes-sd/vae/config.json",
          "shapes-sd/vae/diffusion_pytorch_model.safetensors",
          "shapes-clip/config.json",
          "shapes-clip/merges.txt",
          "shapes-clip/model.safetensors",
          "shapes-clip/preprocessor_config.json",
          "shapes-clip/special_tokens_map.json",
          "shapes-clip/tokenizer.json",
          "shapes-clip/tokenizer_config.json",
          "shapes-clip/vocab.json");

  private final FakeHub hub;
  private final Path models;
  private final List<FakeRepo> repos;

  private DemoHub(FakeHub hub, Path models, List<FakeRepo> repos) {
    this.hub = hub;
    this.models = models;
    this.repos = repos;
  }

  /** Lays the models out below a folder and serves them on a free port. */
  static DemoHub start(Path folder) throws IOException {
    for (var path : FILES) {
      Bundle.copy(path, folder.resolve(OWNER).resolve(path));
    }
    var repos =
        List.of(
            FakeRepo.model(BASE_MODEL).folder(folder.resolve(BASE_MODEL)).withTwins(),
            FakeRepo.model(LABEL_MODEL).folder(folder.resolve(LABEL_MODEL)).withTwins());
    var hub = FakeHub.start(0);
    repos.forEach(hub::add);
    return new DemoHub(hub, folder, repos);
  }

  /** What {@code HF_ENDPOINT} is set to. */
  URI endpoint() {
    return hub.endpoint();
  }

  /** Where a repository's own files lie. */
  Path folder(String repo) {
    return models.resolve(repo);
  }

  /** Files in all repositories, twins and all. */
  int listed() {
    return repos.stream().mapToInt(repo -> repo.paths().size()).sum();
  }

  /** Paths of the files that somebody downloaded, {@code owner/name/path}. */
  Set<String> downloaded() {
    return hub.seen().stream()
        .filter(seen -> seen.method().equals("GET") && !seen.onContent())
        .map(seen -> seen.uri().getPath())
        .filter(path -> path.contains("/resolve/"))
        .map(path -> path.substring(1).replaceFirst("/resolve/[^/]+/", "/"))
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public void close() {
    hub.close();
  }
}
