package flora.trainer.recipe;

import ai.djl.engine.EngineException;
import flora.models.ModelConfig;
import flora.models.ModelException;
import flora.models.clip.ClipTextEncoder;
import flora.models.image.RgbImage;
import flora.models.scheduler.Prediction;
import flora.models.scheduler.Sampler;
import flora.models.stablediffusion.TextToImage;
import flora.models.stablediffusion.TextToImage.Drawing;
import flora.schemas.request.PreviewPlan;
import flora.trainer.encode.Prompts;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Draws what the adapter makes of some prompts, each time with the same noise. The networks are the
 * ones that learn, at rest; what else it takes is opened for the drawing alone. Nothing that is
 * trained on changes.
 */
final class PreviewDrawer {

  private static final Logger log = LoggerFactory.getLogger(PreviewDrawer.class);

  /** What every Stable Diffusion UNet halves without a rest. */
  private static final int ALIGNMENT = 64;

  private final TrainingJob job;
  private final PreviewPlan plan;
  private final TrainedNetworks networks;
  private final ModelConfig scheduler;

  /** A picture and what was asked for. */
  record Preview(String prompt, long seed, RgbImage picture) {}

  /**
   * @param prediction what the UNet learns to predict, whatever its model's files say
   * @throws RecipeException.PreviewUnfit before any work, where nothing could be drawn
   */
  PreviewDrawer(TrainingJob job, TrainedNetworks networks, Prediction prediction) {
    this.job = job;
    this.scheduler = scheduler(job, prediction);
    this.plan = job.plan().previews();
    this.networks = networks;
    if (!isIdle()) {
      requireSampler();
    }
  }

  private void requireSampler() {
    try {
      var kind = Sampler.Kind.named(plan.previewSampler());
      Sampler.of(kind, scheduler, plan.previewSamplingSteps(), Sampler.Noise.seeded(0));
    } catch (IllegalArgumentException | ModelException e) {
      throw new RecipeException.PreviewUnfit(plan, e);
    }
  }

  private boolean isIdle() {
    return plan.previewPrompts().isEmpty();
  }

  /**
   * A picture for each prompt; none where memory does not suffice, since training is what counts.
   *
   * @param proceed called at every step of a drawing
   */
  List<Preview> draw(Runnable proceed) {
    if (isIdle()) {
      return List.of();
    }
    try (var _ = networks.atRest();
        var vae = job.model().vae();
        var text = text()) {
      var reading =
          Prompts.conditioning(job.model().tokenizer(), text.encoder(), job.plan().captions());
      var model = new TextToImage(reading, networks.unet(), vae, scheduler);
      var previews = new ArrayList<Preview>();
      long seed = plan.previewSeed() == null ? job.plan().seed() : plan.previewSeed();
      for (var prompt : plan.previewPrompts()) {
        var picture = model.draw(drawing(prompt), seed, (_, _) -> proceed.run());
        previews.add(new Preview(prompt, seed, picture));
      }
      return previews;
    } catch (EngineException e) {
      if (RecipeException.OutOfMemory.isTold(e)) {
        log.warn("there is not enough memory for previews: {}", e.getMessage());
        return List.of();
      }
      throw e;
    }
  }

  private static ModelConfig scheduler(TrainingJob job, Prediction prediction) {
    var trained = job.model().scheduler().with(Prediction.KEY, prediction.word());
    boolean endsInNoise = job.plan().objective().zeroTerminalSnr();
    return endsInNoise ? trained.with("rescale_betas_zero_snr", true) : trained;
  }

  private Drawing drawing(String prompt) {
    var pictures = job.plan().pictures();
    var height = pictures.resolutionHeight();
    return new Drawing(
        prompt,
        "",
        plan.previewGuidance(),
        plan.previewSamplingSteps(),
        aligned(pictures.resolution()),
        aligned(height == null ? pictures.resolution() : height),
        Sampler.Kind.named(plan.previewSampler()));
  }

  private static int aligned(int side) {
    return Math.max(ALIGNMENT, side / ALIGNMENT * ALIGNMENT);
  }

  /** The encoder that learns, or one for the drawing alone. */
  private Text text() {
    return networks
        .textEncoder()
        .map(learning -> new Text(learning, false))
        .orElseGet(() -> new Text(job.model().textEncoder(), true));
  }

  private record Text(ClipTextEncoder encoder, boolean isOwn) implements AutoCloseable {
    @Override
    public void close() {
      if (isOwn) {
        encoder.close();
      }
    }
  }
}
