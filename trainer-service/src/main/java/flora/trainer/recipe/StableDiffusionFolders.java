package flora.trainer.recipe;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the parts of a Stable Diffusion model lie, each in the layout of diffusers.
 *
 * @param base a pipeline: {@code unet/ vae/ text_encoder/ tokenizer/ scheduler/}
 * @param vae {@code config.json} and weights
 * @param tokenizer {@code vocab.json} and {@code merges.txt}, or {@code tokenizer.json}
 */
public record StableDiffusionFolders(Path base, Path vae, Path tokenizer) {

  /** A pipeline with its own autoencoder and tokenizer. */
  public static StableDiffusionFolders of(Path base) {
    return new StableDiffusionFolders(base, base.resolve("vae"), base.resolve("tokenizer"));
  }

  /** With an autoencoder of its own repository, which may be a whole pipeline too. */
  public StableDiffusionFolders withVae(Path repository) {
    return new StableDiffusionFolders(base, inside(repository, "vae"), tokenizer);
  }

  /** With a tokenizer of its own repository, which may be a whole pipeline too. */
  public StableDiffusionFolders withTokenizer(Path repository) {
    return new StableDiffusionFolders(base, vae, inside(repository, "tokenizer"));
  }

  /** The denoiser. */
  public Path unet() {
    return base.resolve("unet");
  }

  /** The text encoder. */
  public Path textEncoder() {
    return base.resolve("text_encoder");
  }

  /** The noise schedule. */
  public Path scheduler() {
    return base.resolve("scheduler/scheduler_config.json");
  }

  private static Path inside(Path repository, String part) {
    var folder = repository.resolve(part);
    return Files.isDirectory(folder) ? folder : repository;
  }
}
