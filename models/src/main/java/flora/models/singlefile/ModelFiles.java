package flora.models.singlefile;

import flora.models.ModelConfig;
import flora.models.ModelException;
import flora.models.clip.ClipTextEncoder;
import flora.models.stablediffusion.UNet;
import flora.models.stablediffusion.Vae;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.weights.KeyMap;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import flora.tensors.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where the parts of a Stable Diffusion model lie. What is opened belongs to the caller. */
public sealed interface ModelFiles {

  /** Opens the denoiser. */
  UNet unet();

  /** Opens the autoencoder. */
  Vae vae();

  /** Opens the text encoder. */
  ClipTextEncoder textEncoder();

  /** Reads the tokenizer. */
  ClipTokenizer tokenizer();

  /** The noise schedule's configuration. */
  ModelConfig scheduler();

  /** With an autoencoder of its own repository, which may be a whole pipeline too. */
  ModelFiles withVae(Path repository);

  /** With a tokenizer of its own repository, which may be a whole pipeline too. */
  ModelFiles withTokenizer(Path repository);

  /**
   * A folder in the layout of diffusers, or a file with all networks in it.
   *
   * @throws flora.models.ModelException when it is neither
   */
  static ModelFiles open(Path path) {
    return Files.isDirectory(path) ? Folders.of(path) : Single.of(path);
  }

  /**
   * A folder for each part, in the layout of diffusers.
   *
   * @param base a pipeline: {@code unet/ vae/ text_encoder/ tokenizer/ scheduler/}
   * @param vaeFolder {@code config.json} and weights
   * @param tokenizerFolder {@code vocab.json} and {@code merges.txt}, or {@code tokenizer.json}
   */
  record Folders(Path base, Path vaeFolder, Path tokenizerFolder) implements ModelFiles {

    /** A pipeline with its own autoencoder and tokenizer. */
    public static Folders of(Path base) {
      return new Folders(base, base.resolve("vae"), base.resolve("tokenizer"));
    }

    @Override
    public Folders withVae(Path repository) {
      return new Folders(base, inside(repository, "vae"), tokenizerFolder);
    }

    @Override
    public Folders withTokenizer(Path repository) {
      return new Folders(base, vaeFolder, inside(repository, "tokenizer"));
    }

    @Override
    public UNet unet() {
      return UNet.open(base.resolve("unet"));
    }

    @Override
    public Vae vae() {
      return Vae.open(vaeFolder);
    }

    @Override
    public ClipTextEncoder textEncoder() {
      return ClipTextEncoder.open(base.resolve("text_encoder"));
    }

    @Override
    public ClipTokenizer tokenizer() {
      return ClipTokenizer.load(tokenizerFolder);
    }

    @Override
    public ModelConfig scheduler() {
      return ModelConfig.read(base.resolve("scheduler/scheduler_config.json"));
    }
  }

  /**
   * One file with all networks; tokenizer and noise schedule are those of Stable Diffusion 1.5. Of
   * the file only the tensors of the network that is opened are ever read.
   *
   * @param file a safetensors file
   * @param layout what it holds
   * @param vaeFolder an autoencoder to use instead of the file's
   * @param tokenizerFolder a tokenizer to use instead of the carried one
   */
  record Single(
      Path file, SingleFile layout, @Nullable Path vaeFolder, @Nullable Path tokenizerFolder)
      implements ModelFiles {

    /** Reads the file's header. */
    public static Single of(Path file) {
      try (var checkpoint = Checkpoint.open(file)) {
        return new Single(file, SingleFile.of(checkpoint), null, null);
      }
    }

    @Override
    public Single withVae(Path repository) {
      return new Single(file, layout, inside(repository, "vae"), tokenizerFolder);
    }

    @Override
    public Single withTokenizer(Path repository) {
      return new Single(file, layout, vaeFolder, inside(repository, "tokenizer"));
    }

    @Override
    public UNet unet() {
      return open(layout.unetKeys(), weights -> new UNet(layout.unet(), weights));
    }

    @Override
    public Vae vae() {
      return vaeFolder != null
          ? Vae.open(vaeFolder)
          : open(layout.vaeKeys(), weights -> new Vae(layout.vae(), weights));
    }

    @Override
    public ClipTextEncoder textEncoder() {
      return open(layout.textKeys(), weights -> ClipTextEncoder.of(layout.text(), weights));
    }

    @Override
    public ClipTokenizer tokenizer() {
      var tokenizer =
          tokenizerFolder == null ? ClipTokenizer.openAi() : ClipTokenizer.load(tokenizerFolder);
      int known = layout.text().vocabulary();
      if (tokenizer.vocabularySize() > known) {
        throw new ModelException.Unsupported(
            file,
            "tokenizer",
            "a text encoder of %d tokens".formatted(known),
            "%d tokens; tokenizer_name names another tokenizer"
                .formatted(tokenizer.vocabularySize()));
      }
      return tokenizer;
    }

    @Override
    public ModelConfig scheduler() {
      return layout.scheduler();
    }

    private <T> T open(KeyMap keys, Function<Weights, T> network) {
      var weights = Weights.of(Checkpoint.open(file), keys, Precision.FP32);
      try {
        return network.apply(weights);
      } catch (RuntimeException e) {
        weights.close();
        throw e;
      }
    }
  }

  private static Path inside(Path repository, String part) {
    var folder = repository.resolve(part);
    return Files.isDirectory(folder) ? folder : repository;
  }
}
