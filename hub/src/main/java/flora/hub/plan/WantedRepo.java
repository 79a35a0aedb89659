package flora.hub.plan;

import flora.hub.RepoType;
import flora.schemas.RepoReference;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.ModelSource;
import flora.schemas.request.ModelSource.Preset;
import flora.schemas.request.RunRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A repository that a request names.
 *
 * <p>Patterns speak of the base model's files alone. The preset also reaches the VAE, which has
 * weights as well; a tokenizer has none, and the label model belongs to another part of the
 * request.
 *
 * @param field of the request that names it, as {@code model.base_model}
 * @param role what for
 * @param reference which
 * @param patterns which of its files
 * @param preset which of its files where the patterns choose none
 * @param useMirror {@code "true"}, {@code "false"} or a mirror's name
 * @param used whether a later stage works with it
 */
public record WantedRepo(
    String field,
    RepoRole role,
    RepoReference reference,
    Patterns patterns,
    Preset preset,
    String useMirror,
    boolean used) {

  /** Every repository that the request names, the largest first. */
  public static List<WantedRepo> of(RunRequest request) {
    var wanted = new ArrayList<WantedRepo>();
    var model = request.model();
    var dataset = request.dataset();
    boolean used = request.train() != null || dataset != null;
    if (model != null) {
      ofModel(model, used, wanted);
    }
    if (dataset != null) {
      ofDataset(dataset, model == null ? "true" : model.useMirror(), wanted);
    }
    return wanted;
  }

  private static void ofModel(ModelSource model, boolean used, List<WantedRepo> wanted) {
    var mirror = model.useMirror();
    var base = model.baseModel();
    boolean isDataset = !used && base.startsWith(ModelSource.DATASET_PREFIX);
    wanted.add(
        new WantedRepo(
            "model.base_model",
            isDataset ? RepoRole.DATASET : RepoRole.BASE_MODEL,
            reference(
                "model.base_model",
                isDataset ? base.substring(ModelSource.DATASET_PREFIX.length()) : base),
            new Patterns(model.allowPatterns(), model.ignorePatterns()),
            model.preset(),
            mirror,
            used));
    add("model.pretrained_vae", RepoRole.VAE, model.pretrainedVae(), model, used, wanted);
    add("model.tokenizer_name", RepoRole.TOKENIZER, model.tokenizerName(), model, used, wanted);
  }

  private static void add(
      String field,
      RepoRole role,
      @Nullable String text,
      ModelSource model,
      boolean used,
      List<WantedRepo> wanted) {
    if (text != null) {
      var preset = role == RepoRole.VAE ? model.preset() : Preset.NEEDED;
      wanted.add(
          new WantedRepo(
              field, role, reference(field, text), Patterns.NONE, preset, model.useMirror(), used));
    }
  }

  private static void ofDataset(DatasetSource dataset, String useMirror, List<WantedRepo> wanted) {
    var labelModel = dataset.labelModel();
    if (labelModel != null) {
      wanted.add(needed("dataset.label.model", RepoRole.LABEL_MODEL, labelModel, useMirror));
    }
    var captionModel = dataset.captionModel();
    if (captionModel != null) {
      var field = "dataset.label.caption_model";
      wanted.add(needed(field, RepoRole.CAPTION_MODEL, captionModel, useMirror));
    }
    var hub = dataset.hub();
    if (hub != null) {
      wanted.add(needed("dataset.hub", RepoRole.DATASET, hub, useMirror));
    }
  }

  private static WantedRepo needed(String field, RepoRole role, String text, String useMirror) {
    return new WantedRepo(
        field, role, reference(field, text), Patterns.NONE, Preset.NEEDED, useMirror, true);
  }

  /** The kind of repository. */
  public RepoType type() {
    return role == RepoRole.DATASET ? RepoType.DATASET : RepoType.MODEL;
  }

  /** The field as a JSON pointer. */
  public String pointer() {
    return "/" + field.replace('.', '/');
  }

  private static RepoReference reference(String field, String text) {
    try {
      return RepoReference.parse(text);
    } catch (IllegalArgumentException e) {
      boolean isPath = text.contains("://") || text.startsWith(".") || text.split("/").length > 2;
      throw new PlanException.NotARepository(field, text, isPath);
    }
  }
}
