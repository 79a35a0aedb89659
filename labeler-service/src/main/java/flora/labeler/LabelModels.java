package flora.labeler;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.LabelChoice;
import flora.labeler.caption.LabelSet;
import flora.labeler.caption.ZeroShotCaptioner;
import flora.models.ModelException;
import flora.models.image.PixelValues;
import flora.models.image.RgbImage;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.LabelOptions;
import flora.stage.SnapshotFolder;
import flora.store.LocalCache;
import flora.tensors.SafetensorsException;
import java.nio.file.Path;
import java.util.List;

/** Opens the label models that the fetch stage has left in the store. */
final class LabelModels {

  private final LocalCache cache;
  private final Path workFolder;

  /**
   * An opener.
   *
   * @param workFolder where links to the models' files are laid out
   */
  LabelModels(LocalCache cache, Path workFolder) {
    this.cache = cache;
    this.workFolder = workFolder;
  }

  /**
   * Opens a model with the labels of a request.
   *
   * @param beat called now and then; throws to stop
   * @throws LabelModelException when the model cannot be used
   */
  Captioner open(LabelOptions options, Snapshot snapshot, Runnable beat) {
    var model = snapshot.repo() + "@" + snapshot.commit();
    var choice =
        new LabelChoice(
            LabelSet.of(options.labels()),
            options.threshold(),
            options.topK(),
            options.triggerWord());
    var folder = SnapshotFolder.open(cache, snapshot, workFolder);
    try {
      beat.run();
      return new InFolder(
          ZeroShotCaptioner.open(folder.path(), model, options.templates(), choice, beat), folder);
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
  private record InFolder(Captioner captioner, SnapshotFolder folder) implements Captioner {

    @Override
    public String name() {
      return captioner.name();
    }

    @Override
    public String model() {
      return captioner.model();
    }

    @Override
    public PixelValues prepare(RgbImage picture) {
      try {
        return captioner.prepare(picture);
      } catch (ModelException e) {
        throw new LabelModelException.Unsupported(model(), e);
      }
    }

    @Override
    public List<Caption> caption(List<PixelValues> pictures) {
      return captioner.caption(pictures);
    }

    @Override
    public void close() {
      try (folder) {
        captioner.close();
      }
    }
  }
}
