package flora.trainer.recipe;

import flora.models.clip.ClipTextEncoder;
import flora.models.singlefile.ModelFiles;
import flora.schemas.Sha256;
import flora.schemas.request.TrainingPlan;
import flora.trainer.checkpoint.TrainingState;
import flora.trainer.data.PictureSet;
import flora.trainer.encode.Frozen;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One adapter to train.
 *
 * @param name of the adapter
 * @param plan how
 * @param model where the base model lies
 * @param origin which model that is
 * @param pictures what it learns
 * @param beginning the state before the first step
 * @param init the adapter that it begins with; null = a new one
 * @param frozen what encodes pictures and texts, and where that is kept
 * @param cacheBytes memory for what the frozen encoders say
 * @param nanoTime a clock that only runs forward, nanoseconds
 */
public record TrainingJob(
    String name,
    TrainingPlan.StableDiffusionLora plan,
    ModelFiles model,
    Origin origin,
    PictureSet pictures,
    TrainingState beginning,
    @Nullable Path init,
    Frozen frozen,
    long cacheBytes,
    LongSupplier nanoTime) {

  /**
   * How many of the text encoder's last layers are not read.
   *
   * @throws RecipeException.PartsDoNotFit when it has not so many
   */
  int skippedLayers(ClipTextEncoder encoder) {
    int clipSkip = plan.captions().clipSkip();
    int layers = encoder.config().layers();
    if (clipSkip > layers) {
      throw new RecipeException.PartsDoNotFit(
          "clip_skip is %d, the text encoder has %d layers".formatted(clipSkip, layers));
    }
    return clipSkip - 1;
  }

  /**
   * Which model is adapted.
   *
   * @param repository its name
   * @param commit its version
   * @param weights digest of the adapted network's weights
   * @param vae digest of the weights of an autoencoder of its own; null = the model's
   */
  public record Origin(
      String repository, @Nullable String commit, Sha256 weights, @Nullable Sha256 vae) {}
}
