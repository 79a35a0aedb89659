package flora.labeler.dataset;

import flora.labeler.spool.FileIndex;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Rows;
import flora.labeler.work.ShardRow;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.label.LabelRow;
import java.util.Iterator;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What was known and what was found out, together in the order of the plan. Pictures of the same
 * bytes have one made caption: that of the first of them, whoever made the others.
 */
public final class Merged {

  /** Captions that a person or a folder has given are a picture's own. */
  private static final Set<String> OWN = Set.of("user", "edit", "folder");

  private final FileIndex<LabelRow> rows;
  private final FileIndex<LabelRow>.Lookup madeByBytes;
  private final FileIndex<Rejected> rejected;
  private @Nullable String labelModel;
  private boolean classes;
  private long made;

  private Merged(WorkFolder work) {
    rows = work.index(LabelRow.class);
    madeByBytes = rows.by(r -> OWN.contains(r.source()) ? null : r.sha256().hex());
    rejected = work.index(Rejected.class);
  }

  /**
   * Puts them together.
   *
   * @param results of what the plan says is to be looked at
   * @param byName the results by file name
   * @throws IllegalStateException when a picture was lost on the way, or is there twice
   */
  public static Merged of(
      Plan plan, FileIndex<ShardRow> results, FileIndex<ShardRow>.Lookup byName, WorkFolder work) {
    if (results.size() != plan.open()) {
      throw new IllegalStateException(
          "%d pictures were looked at, of %d".formatted(results.size(), plan.open()));
    }
    var merged = new Merged(work);
    for (var line : plan.lines()) {
      var known = line.row();
      merged.add(
          known != null
              ? known
              : byName
                  .first(line.fileName())
                  .orElseThrow(
                      () -> new IllegalStateException("no result for " + line.fileName())));
    }
    return merged;
  }

  private void add(ShardRow result) {
    switch (result) {
      case ShardRow.Left(var why) -> rejected.add(why);
      case ShardRow.Labelled(var row, boolean isMade) -> {
        rows.add(row);
        classes |= row.label() != null;
        made += isMade ? 1 : 0;
        labelModel = labelModel == null ? row.model() : labelModel;
      }
    }
  }

  /** The pictures with a caption. */
  public Iterable<LabelRow> rows() {
    return () -> {
      var all = rows.iterator();
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return all.hasNext();
        }

        @Override
        public LabelRow next() {
          return asTheFirst(all.next());
        }
      };
    };
  }

  private LabelRow asTheFirst(LabelRow row) {
    return OWN.contains(row.source())
        ? row
        : madeByBytes
            .first(row.sha256().hex())
            .filter(first -> !first.text().equals(row.text()))
            .map(first -> Rows.saying(row, first))
            .orElse(row);
  }

  /** The pictures that are left out. */
  public Iterable<Rejected> rejected() {
    return rejected;
  }

  /** Whether it is left out because only a table names it: it is a caption without a picture. */
  public static boolean isMissing(Rejected why) {
    return why.reason().equals(PlanLine.MISSING);
  }

  /** How many have a caption. */
  public long labelled() {
    return rows.size();
  }

  /** How many are left out. */
  public long left() {
    return rejected.size();
  }

  /** How many captions, or classes, were made now. */
  public long made() {
    return made;
  }

  /** Whether pictures have classes. */
  boolean hasClasses() {
    return classes;
  }

  /** {@code repo@commit} of the model that made captions; null when none did. */
  @Nullable String labelModel() {
    return labelModel;
  }
}
