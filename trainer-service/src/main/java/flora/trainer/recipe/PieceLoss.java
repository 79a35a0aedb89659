package flora.trainer.recipe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.train.DenoisingLoss;
import flora.models.train.Objective;
import flora.trainer.data.DataOrder;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.encode.Latents;
import flora.trainer.encode.Prompts;
import java.util.List;

/**
 * The loss of some showings: what they look like, how they are disturbed, what the UNet makes of
 * it. All that is random hangs on the number of a showing, so that it does not matter with which
 * others one is computed.
 */
final class PieceLoss {

  private final TrainedNetworks networks;
  private final DenoisingLoss loss;
  private final Objective objective;
  private final Latents latents;
  private final Prompts prompts;
  private final RandomStream noises;
  private final RandomStream offsets;
  private final RandomStream times;

  PieceLoss(
      long seed,
      TrainedNetworks networks,
      NoiseSchedule schedule,
      Objective objective,
      Latents latents,
      Prompts prompts) {
    this.networks = networks;
    this.loss = new DenoisingLoss(networks.unet(), schedule, objective);
    this.objective = objective;
    this.latents = latents;
    this.prompts = prompts;
    this.noises = RandomStream.of(seed, "noise");
    this.offsets = RandomStream.of(seed, "noise-offset");
    this.times = RandomStream.of(seed, "timesteps");
  }

  /**
   * Computes the loss in segments.
   *
   * @param share what the mean over the showings is multiplied by
   * @return the number of the loss
   */
  int of(Segments segments, DataOrder.Batch shown, double share) {
    var draws = shown.draws();
    networks.dropInputs(draws.stream().mapToLong(Draw::number).toArray());
    int context = prompts.batch(segments, draws);
    var batch =
        new DenoisingLoss.Batch(
            latents.batch(shown),
            noise(noises, draws, latents.shape(shown.bucket())),
            objective.noiseOffset() == 0
                ? null
                : noise(offsets, draws, 1, latents.channels(), 1, 1),
            draws.stream().map(draw -> objective.timestep(times, draw.number())).toList(),
            segments.value(context),
            share);
    return loss.of(segments, batch, context);
  }

  private static NDArray noise(RandomStream stream, List<Draw> draws, long... shape) {
    int elements = Math.toIntExact(new Shape(shape).size());
    try (var scope = new Scope()) {
      var each =
          draws.stream()
              .map(draw -> Aten.of(stream.normal(draw.number(), 0, elements), shape))
              .toList();
      return scope.keep(Aten.cat(each, 0));
    }
  }
}
