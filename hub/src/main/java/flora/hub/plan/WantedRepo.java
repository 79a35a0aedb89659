package flora.hub.plan;

import flora.hub.RepoType;
import flora.schemas.RepoReference;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RunRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A repository that a request names.
 *
 * @param role what for
 * @param reference which
 * @param patterns which of its files
 * @param used whether a later stage works with it
 */
public record WantedRepo(RepoRole role, RepoReference reference, Patterns patterns, boolean used) {

  /** Every repository that the request names, the largest first. */
  public static List<WantedRepo> of(RunRequest request) {
    boolean used = request.train() != null || request.dataset() != null;
    var sources = new ArrayList<WantedRepo>();
    var model = request.model();
    if (model != null) {
      var patterns = new Patterns(model.allowPatterns(), model.ignorePatterns());
      add(sources, RepoRole.BASE_MODEL, "model.base_model", model.baseModel(), patterns, used);
      add(sources, RepoRole.VAE, "model.pretrained_vae", model.pretrainedVae(), used);
      add(sources, RepoRole.TOKENIZER, "model.tokenizer_name", model.tokenizerName(), used);
    }
    var dataset = request.dataset();
    if (dataset != null) {
      if (dataset.label().labeler() != LabelOptions.Labeler.NONE) {
        add(sources, RepoRole.LABEL_MODEL, "dataset.label.model", dataset.label().model(), true);
      }
      add(sources, RepoRole.DATASET, "dataset.hub", dataset.hub(), true);
    }
    return sources;
  }

  /** The kind of repository. */
  public RepoType type() {
    return role == RepoRole.DATASET ? RepoType.DATASET : RepoType.MODEL;
  }

  private static void add(
      List<WantedRepo> sources, RepoRole role, String field, @Nullable String text, boolean used) {
    if (text != null) {
      add(sources, role, field, text, Patterns.NONE, used);
    }
  }

  private static void add(
      List<WantedRepo> sources,
      RepoRole role,
      String field,
      String text,
      Patterns patterns,
      boolean used) {
    RepoReference reference;
    try {
      reference = RepoReference.parse(text);
    } catch (IllegalArgumentException e) {
      boolean isPath = text.contains("://") || text.startsWith(".") || text.split("/").length > 2;
      throw new PlanException.NotARepository(field, text, isPath);
    }
    sources.add(new WantedRepo(role, reference, patterns, used));
  }
}
