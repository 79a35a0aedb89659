package flora.labeler.dataset;

import flora.labeler.spool.JsonLines;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Entry;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * {@code plan.json}: how the labelling of a run is cut into parts. Written last of all that it
 * names, and once: an attempt that finds it goes on with it, whatever lies in the folder by now.
 *
 * @param listedAt when the pictures were listed
 * @param listing digest of everything that was listed
 * @param recipe what captions follow from
 * @param lines every picture in the order of the version, with the row of those that have one
 * @param parts what is to be looked at
 */
public record SharedPlan(
    Instant listedAt, Sha256 listing, Sha256 recipe, ObjectRef lines, List<Part> parts) {

  public SharedPlan {
    parts = List.copyOf(parts);
  }

  /**
   * A part.
   *
   * @param pictures an {@link Entry} on every line
   * @param count how many
   */
  public record Part(ObjectRef pictures, long count) {}

  /** The plan of a run, if an attempt has finished one that follows from the same recipe. */
  public static Optional<SharedPlan> read(ObjectStore store, RunId run, Sha256 recipe) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.labelPlan(run))
        .map(s -> Json.read(s.bytes(), SharedPlan.class))
        .filter(plan -> plan.recipe().equals(recipe));
  }

  /**
   * Cuts a plan into parts and keeps it; the first attempt that does so wins.
   *
   * @param size pictures of a part
   */
  public static Optional<SharedPlan> write(
      ObjectStore store,
      RunId run,
      long epoch,
      Plan plan,
      Sha256 recipe,
      int size,
      WorkFolder work,
      Runnable proceed) {
    var parts = new ArrayList<Part>();
    for (var entries = plan.entries(); entries.hasNext(); ) {
      proceed.run();
      parts.add(
          part(store, StoreLayout.labelPictures(run, epoch, parts.size()), entries, size, work));
    }
    var file = work.file("lines");
    try (var lines = JsonLines.to(file)) {
      plan.lines().forEach(lines::add);
    }
    var kept =
        store.upload(
            StoreLayout.RUNS,
            StoreLayout.attempt(run, epoch, "label/lines.jsonl"),
            file,
            "application/jsonl");
    var mine = new SharedPlan(plan.listedAt(), plan.listing(), recipe, kept, parts);
    store.putIfAbsent(
        StoreLayout.RUNS, StoreLayout.labelPlan(run), Json.bytes(mine), "application/json");
    return read(store, run, recipe);
  }

  private static Part part(
      ObjectStore store, String key, Iterator<Entry> entries, int size, WorkFolder work) {
    var file = work.file("pictures");
    long count;
    try (var lines = JsonLines.to(file)) {
      while (entries.hasNext() && lines.count() < size) {
        lines.add(entries.next());
      }
      count = lines.count();
    }
    return new Part(store.upload(StoreLayout.RUNS, key, file, "application/jsonl"), count);
  }
}
