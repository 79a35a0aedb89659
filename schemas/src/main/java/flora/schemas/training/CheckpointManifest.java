package flora.schemas.training;

import java.util.List;
import java.util.Optional;

/**
 * The files of one checkpoint; written after the last of them.
 *
 * @param step optimizer steps done
 * @param files by name, {@link #ADAPTER} among them
 */
public record CheckpointManifest(long step, List<Artifact> files) {

  /** The adapter as it is at this step, in kohya's keys. */
  public static final String ADAPTER = "adapter.safetensors";

  /** The optimizer's moments. */
  public static final String OPTIMIZER = "optimizer.safetensors";

  /** The moving average of the adapter, where there is one. */
  public static final String EMA = "ema.safetensors";

  /** The adapter of the step that did best on held-out pictures, where that is an earlier one. */
  public static final String BEST = "best.safetensors";

  /** Where training stood. */
  public static final String STATE = "state.json";

  public CheckpointManifest {
    files = List.copyOf(files);
  }

  /** The file of a name. */
  public Optional<Artifact> file(String name) {
    return files.stream().filter(f -> f.name().equals(name)).findFirst();
  }
}
