package flora.labeler.dataset;

import flora.labeler.image.DatasetFile;
import flora.labeler.image.ImageSet;
import flora.labeler.image.Picture;
import flora.labeler.spool.Ahead;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Entry;
import flora.labeler.work.Rows;
import flora.labeler.work.ShardRow;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.label.LabelRow;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which pictures keep the row that they have, and which are to be looked at. A picture
 * keeps its row when its bytes are those of the newest version, and its caption is a person's or
 * follows from the same recipe. The caption that counts is an edit, or else a row of a table, or
 * else the text beside the picture, or else the one it had, or else one that is made.
 */
public final class Planner {

  private static final int CHUNK = 512;

  private final ObjectStore store;
  private final ImageSet images;
  private final Previous previous;
  private final Edits edits;
  private final Rows rules;
  private final Plan plan;

  private Planner(
      ObjectStore store, ImageSet images, Previous previous, Edits edits, Rows rules, Plan plan) {
    this.store = store;
    this.images = images;
    this.previous = previous;
    this.edits = edits;
    this.rules = rules;
    this.plan = plan;
  }

  /**
   * Makes a plan.
   *
   * @param listedAt when the pictures were listed
   * @param proceed called now and then; throws to stop
   */
  public static Plan plan(
      ObjectStore store,
      String dataset,
      ImageSet images,
      Instant listedAt,
      Rows rules,
      WorkFolder work,
      Runnable proceed)
      throws InterruptedException {
    var plan = new Plan(listedAt, images.listing(), work);
    var planner =
        new Planner(
            store,
            images,
            Previous.of(store, dataset, work),
            Edits.of(store, dataset, work),
            rules,
            plan);
    images.missing().forEach(name -> planner.leave(name, PlanLine.MISSING));
    var chunk = new ArrayList<Picture>(CHUNK);
    for (var picture : images.pictures()) {
      chunk.add(picture);
      if (chunk.size() == CHUNK) {
        proceed.run();
        planner.place(chunk);
      }
    }
    planner.place(chunk);
    return plan;
  }

  private void leave(String name, String reason) {
    plan.add(new PlanLine(name, new ShardRow.Left(new Rejected(name, reason))));
  }

  private void place(List<Picture> chunk) throws InterruptedException {
    // texts lie apart, each is a question to the store
    var sidecars = new LinkedHashMap<Picture, DatasetFile>();
    for (var picture : chunk) {
      var file = hasCaption(picture) ? null : images.sidecar(picture);
      if (file != null) {
        sidecars.put(picture, file);
      }
    }
    var texts =
        Ahead.map(List.copyOf(sidecars.values()), file -> ImageSet.text(store, file)).iterator();
    for (var picture : chunk) {
      var text = sidecars.containsKey(picture) ? texts.next() : ImageSet.Text.NONE;
      if (text.problem() != null) {
        leave(picture.fileName(), text.problem());
      } else {
        place(picture, text.text());
      }
    }
    chunk.clear();
  }

  private boolean hasCaption(Picture picture) {
    var edit = edits.of(picture.fileName());
    var row = images.row(picture);
    return (edit != null && edit.text() != null) || (row != null && !row.text().isBlank());
  }

  private void place(Picture picture, String text) {
    var edit = edits.of(picture.fileName());
    var same = withoutEdit(previous.same(picture), edit);
    var listed = entry(picture, edit, text, same);
    var entry = same == null ? listed : rules.known(listed, same);
    var row = same == null ? null : rules.kept(entry, same);
    plan.add(new PlanLine(picture.fileName(), row));
    if (row == null) {
      plan.add(entry);
    }
  }

  private Entry entry(
      Picture picture, @Nullable CaptionEdit edit, String text, @Nullable LabelRow same) {
    var row = images.row(picture);
    var label = row == null || row.label() == null || row.label().isBlank() ? null : row.label();
    var before = same != null ? null : withoutEdit(previous.perhaps(picture), edit);
    if (edit != null && edit.text() != null) {
      return new Entry(picture, edit.text(), "edit", label, before);
    }
    var given = row != null && !row.text().isBlank() ? row.text() : text;
    return given.isBlank()
        ? new Entry(picture, null, null, label, before)
        : new Entry(picture, given.strip(), "user", label, before);
  }

  /** What a person wrote and took back does not stay. */
  private static @Nullable LabelRow withoutEdit(
      @Nullable LabelRow row, @Nullable CaptionEdit edit) {
    return row != null && row.source().equals("edit") && edit != null && edit.text() == null
        ? null
        : row;
  }
}
