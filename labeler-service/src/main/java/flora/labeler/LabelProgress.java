package flora.labeler;

import flora.labeler.dataset.Plan;
import flora.labeler.work.ShardRow;
import flora.schemas.label.LabelEvent;
import flora.stage.StageContext;
import java.util.List;
import java.util.function.Consumer;

/** Tells how far a labelling is. */
final class LabelProgress {

  private final StageContext context;
  private final long known;
  private final long total;
  private long looked;

  LabelProgress(Plan plan, StageContext context) {
    this.context = context;
    this.total = plan.size();
    this.known = plan.size() - plan.open();
    tell(0);
  }

  /** The pictures are listed. */
  static void started(StageContext context, long total, List<String> warnings) {
    context.publish(
        s ->
            new LabelEvent.Started(
                s.runId(),
                s.attempt(),
                s.seq(),
                s.at(),
                total,
                warnings.isEmpty() ? null : warnings));
  }

  StageContext context() {
    return context;
  }

  /** Counts the rows that come by. */
  Consumer<ShardRow> counting(Consumer<ShardRow> rows) {
    return row -> {
      rows.accept(row);
      tell(++looked);
    };
  }

  /** So many of those that were open have been looked at; never fewer than it said before. */
  void tell(long nowLooked) {
    looked = Math.max(looked, nowLooked);
    long done = known + looked;
    context.progress(
        s -> new LabelEvent.Progressed(s.runId(), s.attempt(), s.seq(), s.at(), done, total));
  }
}
