package flora.trainer.recipe;

import flora.models.lora.Lora;
import flora.schemas.training.CheckpointManifest;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.Judged;
import flora.trainer.checkpoint.LossLog;
import flora.trainer.export.Adapter;
import flora.trainer.export.KohyaFile;
import flora.trainer.export.Provenance;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The adapter of the step that did best on held-out pictures; where none are held out, that of the
 * last step. Every checkpoint carries it, so that it outlives whoever trains.
 */
final class BestAdapter {

  private final TrainedNetworks networks;
  private final int patience;
  private @Nullable Judged judged;

  /** A copy, made at the best step. */
  private @Nullable Adapter copy;

  BestAdapter(TrainingJob job, TrainedNetworks networks, CheckpointStore.Loaded from) {
    this.networks = networks;
    var given = job.plan().validation().earlyStoppingPatience();
    this.patience = given == null ? 5 : given;
    judged = from.state().judged();
    if (judged != null && judged.bestStep() == from.state().step()) {
      copy = networks.adapter();
    } else if (judged != null) {
      var file = from.folder().resolve(CheckpointManifest.BEST);
      copy = new Adapter(networks.adapters().stream().map(lora -> read(file, lora)).toList());
    }
  }

  /** The file's alphas are rounded. */
  private static Adapter.Part read(Path file, Lora lora) {
    var pairs =
        KohyaFile.read(file, lora.network(), lora.layers()).stream()
            .map(p -> new Adapter.Pair(p.module(), lora.alpha(p.module()), p.down(), p.up()))
            .toList();
    return new Adapter.Part(lora.network(), lora.config(), pairs);
  }

  @Nullable Judged judged() {
    return judged;
  }

  /** Takes the loss of a step in. */
  void add(long step, double loss) {
    judged = Judged.after(judged, step, loss);
    if (judged.bestStep() == step) {
      copy = networks.adapter();
    }
  }

  boolean isHopeless() {
    return judged != null && judged.isHopeless(patience);
  }

  /** Writes the best adapter unless it is the one of this step; else there is no such file. */
  Consumer<Path> snapshot(Provenance provenance, long step) {
    var best = copy;
    if (judged == null || best == null || judged.bestStep() == step) {
      return folder -> {};
    }
    var at = provenance.at(judged.bestStep());
    return folder -> KohyaFile.write(best, at, folder.resolve(CheckpointManifest.BEST));
  }

  /** What the recipe ends with. */
  TrainedAdapter trained(
      Provenance provenance, long steps, LossLog losses, @Nullable String stoppedEarly) {
    double loss = losses.recentMean();
    if (judged == null || copy == null || judged.bestStep() == steps) {
      var from = provenance.at(steps);
      return new TrainedAdapter(networks.adapter(), from, steps, loss, stoppedEarly, null);
    }
    long best = judged.bestStep();
    return new TrainedAdapter(copy, provenance.at(best), steps, loss, stoppedEarly, best);
  }
}
