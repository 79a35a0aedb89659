package flora.trainer.recipe;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Scope;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.DenoisingLoss;
import flora.models.train.Objective;
import flora.trainer.data.SampleList;
import flora.trainer.encode.Latents;
import flora.trainer.encode.Prompts;
import java.util.List;

/**
 * The loss on the pictures that are never trained on, at fixed timesteps and with fixed noise, so
 * that two evaluations differ by the adapter alone: the middle of each picture, its caption as it
 * is, every timestep of the same weight and without an offset.
 */
final class Holdout {

  /** Timesteps of a picture, in the middle of as many equal parts of the schedule. */
  private static final int TIMESTEPS = 4;

  private final DenoisingLoss loss;
  private final Objective objective;
  private final List<Integer> pictures;
  private final SampleList samples;
  private final Latents latents;
  private final Prompts prompts;
  private final RandomStream noises;

  Holdout(
      UNet unet,
      NoiseSchedule schedule,
      Objective objective,
      SampleList samples,
      Latents latents,
      Prompts prompts,
      long seed) {
    this.objective = objective;
    this.loss = new DenoisingLoss(unet, schedule, objective.unweighted());
    this.pictures = samples.validation();
    this.samples = samples;
    this.latents = latents;
    this.prompts = prompts;
    this.noises = RandomStream.of(seed, "validation-noise");
  }

  boolean isEmpty() {
    return pictures.isEmpty();
  }

  /**
   * Mean over all pictures and timesteps.
   *
   * @param proceed called before each picture
   */
  double loss(Runnable proceed) {
    double sum = 0;
    for (int picture : pictures) {
      proceed.run();
      var bucket = samples.place(picture).bucket();
      for (int i = 0; i < TIMESTEPS; i++) {
        try (var _ = new Scope();
            var _ = Autograd.pause()) {
          NDArray noise =
              Aten.of(noises.normal(picture, i, latents.elements(bucket)), latents.shape(bucket));
          int timestep = objective.timestep((2.0 * i + 1) / (2 * TIMESTEPS));
          var batch =
              new DenoisingLoss.Batch(
                  latents.middle(picture), noise, List.of(timestep), prompts.plain(picture));
          sum += loss.of(batch).getFloat();
        }
      }
    }
    return sum / (TIMESTEPS * pictures.size());
  }
}
