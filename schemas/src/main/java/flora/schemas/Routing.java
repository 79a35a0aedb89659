package flora.schemas;

import flora.schemas.request.RunRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which stages a request goes through. A stage that has nothing to do is never asked. */
public final class Routing {

  private Routing() {}

  /** The stages of a request, in order. */
  public static List<Stage> stages(RunRequest request) {
    var stages = new ArrayList<Stage>();
    if (fetches(request)) {
      stages.add(Stage.FETCH);
    }
    if (request.dataset() != null) {
      stages.add(Stage.LABEL);
    }
    if (request.train() != null) {
      stages.add(Stage.TRAIN);
    }
    return List.copyOf(stages);
  }

  /** The stage after this one. */
  public static Optional<Stage> after(Stage stage, RunRequest request) {
    return stages(request).stream().filter(s -> s.compareTo(stage) > 0).findFirst();
  }

  private static boolean fetches(RunRequest request) {
    var dataset = request.dataset();
    return request.model() != null
        || (dataset != null && (dataset.hub() != null || dataset.labelModel() != null));
  }
}
