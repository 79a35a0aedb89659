package flora.labeler;

import flora.labeler.caption.Caption;
import flora.labeler.caption.CaptionRules;
import flora.labeler.caption.CaptionText;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.LabelChoice;
import flora.labeler.caption.LabelMode;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.LabelSet;
import flora.labeler.caption.Prepared;
import flora.labeler.caption.StoredEmbeddings;
import flora.labeler.caption.ZeroShotCaptioner;
import flora.models.ModelException;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.LabelOptions;
import flora.schemas.run.Head;
import flora.stage.SnapshotFolder;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.tensors.SafetensorsException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Opens the label models that the fetch stage has left in the store. */
final class LabelModels {

  private final ObjectStore store;
  private final LocalCache cache;
  private final Path workFolder;

  /**
   * An opener.
   *
   * @param store keeps what was computed of a model, for the next run
   * @param cache of the models' files
   * @param workFolder where links to the models' files are laid out
   */
  LabelModels(ObjectStore store, LocalCache cache, Path workFolder) {
    this.store = store;
    this.cache = cache;
    this.workFolder = workFolder;
  }

  /**
   * What the captions of a run depend on, without opening a model.
   *
   * @throws LabelModelException when a model that is needed was not fetched
   */
  static LabelRecipe recipe(LabelOptions options, Head head) {
    return switch (options.labeler()) {
      case CLIP -> recipe("clip", options, name(snapshot(head, RepoRole.LABEL_MODEL)));
      case NONE -> recipe("none", options, null);
      case BLIP, BLIP_AND_CLIP -> throw new LabelModelException.NotFetched(RepoRole.LABEL_MODEL);
    };
  }

  /** All that changes a caption, by name; what is not set is left out. */
  private static LabelRecipe recipe(String labeler, LabelOptions options, @Nullable String model) {
    var named = new LinkedHashMap<String, Object>();
    named.put("kinds", LabelSet.of(options.kinds()).kinds());
    named.put("templates", options.templates());
    named.put("threshold", options.threshold());
    named.put("top_k", options.topK());
    if (options.rules().triggerWord() != null) {
      named.put("trigger_word", options.rules().triggerWord());
    }
    return new LabelRecipe(labeler, model, null, Sha256.sum(Json.bytes(named)));
  }

  /**
   * What the fetch stage left of a repository.
   *
   * @throws LabelModelException.NotFetched when it left nothing
   */
  static Snapshot snapshot(Head head, RepoRole role) {
    return Optional.ofNullable(head.fetch()).stream()
        .flatMap(f -> f.snapshots().stream())
        .filter(s -> s.role() == role)
        .findFirst()
        .orElseThrow(() -> new LabelModelException.NotFetched(role));
  }

  private static String name(Snapshot snapshot) {
    return snapshot.repo() + "@" + snapshot.commit();
  }

  /**
   * Opens the models of a run with the options of its request.
   *
   * @param beat called now and then; throws to stop
   * @throws LabelModelException when a model cannot be used
   */
  Captioner open(LabelOptions options, Head head, Runnable beat) {
    var snapshot = snapshot(head, RepoRole.LABEL_MODEL);
    var model = name(snapshot);
    var choice =
        new LabelChoice(
            LabelSet.of(options.kinds()),
            LabelMode.PER_KIND,
            options.threshold(),
            options.topK(),
            true);
    var text =
        new CaptionText(
            new CaptionRules(options.rules().triggerWord(), null, null, List.of(), Map.of(), 0),
            null);
    var folder = SnapshotFolder.open(cache, snapshot, workFolder);
    try {
      beat.run();
      return new InFolder(
          ZeroShotCaptioner.open(
              folder.path(),
              recipe(options, head),
              options.templates(),
              choice,
              text,
              new StoredEmbeddings(store, snapshot.repo(), snapshot.commit(), workFolder),
              beat),
          model,
          folder);
    } catch (ModelException e) {
      folder.close();
      throw new LabelModelException.Unsupported(model, e);
    } catch (SafetensorsException e) {
      folder.close();
      throw new LabelModelException.Damaged(model, e);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** Removes the folder together with the model that was read from it. */
  private record InFolder(Captioner captioner, String model, SnapshotFolder folder)
      implements Captioner {

    @Override
    public LabelRecipe recipe() {
      return captioner.recipe();
    }

    @Override
    public Prepared prepare(RgbImage picture) {
      try {
        return captioner.prepare(picture);
      } catch (ModelException e) {
        throw new LabelModelException.Unsupported(model, e);
      }
    }

    @Override
    public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
      return captioner.caption(pictures, beat);
    }

    @Override
    public void close() {
      try (folder) {
        captioner.close();
      }
    }
  }
}
