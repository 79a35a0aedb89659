package flora.gateway.run;

import flora.gateway.error.Refusal;
import flora.gateway.page.PageRequest;
import flora.schemas.run.Run;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One page of runs, newest first.
 *
 * @param object always {@code list}
 * @param data the runs
 * @param hasMore whether older ones follow
 * @param nextCursor where the next page begins; null on the last one
 */
record RunPage(String object, List<Run> data, boolean hasMore, @Nullable String nextCursor) {

  /** Cuts a page out of all runs. */
  static RunPage of(Collection<Run> runs, Run.@Nullable Status status, PageRequest request) {
    var page =
        request.cut(
            runs.stream().filter(r -> status == null || r.status() == status),
            RunPage::place,
            Comparator.reverseOrder());
    return new RunPage("list", page.data(), page.hasMore(), page.nextCursor());
  }

  /** A status by its name in a URL. */
  static Run.@Nullable Status status(@Nullable String name) {
    if (name == null) {
      return null;
    }
    try {
      return Run.Status.valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid(
          "status",
          "status is none that a run can have",
          "one of queued fetching labelling training paused succeeded failed cancelled");
    }
  }

  private static String place(Run run) {
    var created = run.createdAt() == null ? Instant.EPOCH : run.createdAt();
    return "%020d/%s".formatted(created.toEpochMilli(), run.id());
  }
}
