package flora.trainer.recipe;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.lora.Dropout;
import flora.models.lora.Lora;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.DenoisingLoss;
import flora.models.train.Objective;
import flora.schemas.request.TrainingPlan;
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

  private final Lora lora;
  private final DenoisingLoss loss;
  private final int timesteps;
  private final double dropout;
  private final Latents latents;
  private final Prompts prompts;
  private final RandomStream noises;
  private final RandomStream times;
  private final RandomStream drops;

  PieceLoss(
      TrainingPlan.StableDiffusionLora plan,
      UNet unet,
      Lora lora,
      NoiseSchedule schedule,
      Latents latents,
      Prompts prompts) {
    this.lora = lora;
    this.loss =
        new DenoisingLoss(unet, schedule, Objective.of(schedule, plan.objective().snrGamma()));
    this.timesteps = schedule.steps();
    this.dropout = plan.network().loraDropout();
    this.latents = latents;
    this.prompts = prompts;
    this.noises = RandomStream.of(plan.seed(), "noise");
    this.times = RandomStream.of(plan.seed(), "timesteps");
    this.drops = RandomStream.of(plan.seed(), "dropout/unet");
  }

  /**
   * Computes the loss in segments.
   *
   * @param share what the mean over the showings is multiplied by
   * @return the number of the loss
   */
  int of(Segments segments, DataOrder.Batch shown, double share) {
    var draws = shown.draws();
    if (dropout > 0) {
      long[] showings = draws.stream().mapToLong(Draw::number).toArray();
      lora.dropout(Dropout.of(drops, showings, dropout));
    }
    var batch =
        new DenoisingLoss.Batch(
            latents.batch(shown),
            noise(shown),
            null,
            timesteps(draws),
            prompts.batch(draws),
            share);
    return loss.of(segments, batch);
  }

  private NDArray noise(DataOrder.Batch shown) {
    int elements = latents.elements(shown.bucket());
    var shape = latents.shape(shown.bucket());
    try (var scope = new Scope()) {
      var each =
          shown.draws().stream()
              .map(draw -> Aten.of(noises.normal(draw.number(), 0, elements), shape))
              .toList();
      return scope.keep(Aten.cat(each, 0));
    }
  }

  private List<Integer> timesteps(List<Draw> draws) {
    return draws.stream().map(d -> times.below(timesteps, d.number(), 0)).toList();
  }
}
