package flora.labeler.dataset;

import flora.labeler.spool.FileIndex;
import flora.labeler.spool.JsonLines;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Entry;
import flora.schemas.Sha256;
import flora.store.ObjectStore;
import java.time.Instant;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** Which pictures keep the row that they have, and which are to be looked at. */
public final class Plan {

  private final Instant listedAt;
  private final Sha256 listing;
  private final FileIndex<PlanLine> lines;
  private final FileIndex<Entry> entries;
  private final FileIndex<Entry>.Lookup byContent;
  private long kept;
  private long open;

  /** An empty one. */
  Plan(Instant listedAt, Sha256 listing, WorkFolder work) {
    this.listedAt = listedAt;
    this.listing = listing;
    this.lines = work.index(PlanLine.class);
    this.entries = work.index(Entry.class);
    this.byContent = entries.by(e -> e.picture().content());
  }

  /**
   * The plan that an attempt before has made; what is to be looked at stands in its parts and not
   * in it.
   */
  public static Plan of(ObjectStore store, SharedPlan shared, WorkFolder work) {
    var plan = new Plan(shared.listedAt(), shared.listing(), work);
    JsonLines.read(store, shared.lines(), PlanLine.class, plan::add);
    return plan;
  }

  void add(PlanLine line) {
    lines.add(line);
    open += line.row() == null ? 1 : 0;
    kept += line.isKept() ? 1 : 0;
  }

  void add(Entry entry) {
    entries.add(entry);
  }

  /** When the pictures were listed. */
  public Instant listedAt() {
    return listedAt;
  }

  /** Digest of everything that was listed. */
  public Sha256 listing() {
    return listing;
  }

  /** Every picture, and everything that a table names, in order. */
  Iterable<PlanLine> lines() {
    return lines;
  }

  /** How many lines there are. */
  public long size() {
    return lines.size();
  }

  /** How many pictures are to be looked at. */
  public long open() {
    return open;
  }

  /** How many pictures keep their rows. */
  public long kept() {
    return kept;
  }

  /** What is to be looked at: pictures of the same bytes one after the other. */
  public Iterator<Entry> entries() {
    var all = entries.iterator();
    return new Iterator<>() {
      private Iterator<Entry> alike = Collections.emptyIterator();

      @Override
      public boolean hasNext() {
        while (!alike.hasNext() && all.hasNext()) {
          var next = all.next();
          var content = next.picture().content();
          boolean first =
              byContent
                  .first(content)
                  .map(e -> e.picture().fileName().equals(next.picture().fileName()))
                  .orElseThrow();
          if (first) {
            alike = byContent.all(content).iterator(); // the others have come by when it is theirs
          }
        }
        return alike.hasNext();
      }

      @Override
      public Entry next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return alike.next();
      }
    };
  }
}
