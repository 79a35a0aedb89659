package flora.gateway.run;

import flora.gateway.error.Refusal;
import flora.schemas.run.Run;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
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

  static final int MAX = 100;

  private static final Comparator<Run> NEWEST_FIRST =
      Comparator.comparing(RunPage::place).reversed();

  /** Cuts a page out of all runs. A cursor is the place of the last run of the page before. */
  static RunPage of(
      Collection<Run> runs, Run.@Nullable Status status, int limit, @Nullable String cursor) {
    var after = cursor == null ? null : decoded(cursor);
    var found =
        runs.stream()
            .filter(r -> status == null || r.status() == status)
            .filter(r -> after == null || place(r).compareTo(after) < 0)
            .sorted(NEWEST_FIRST)
            .limit(limit + 1L)
            .toList();
    var more = found.size() > limit;
    var data = more ? found.subList(0, limit) : found;
    return new RunPage("list", List.copyOf(data), more, more ? encoded(data.getLast()) : null);
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

  /** How many runs a page is to hold. */
  static int limit(@Nullable String text) {
    if (text == null) {
      return 20;
    }
    try {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= MAX) {
        return limit;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new Refusal.Invalid("limit", "limit is not a whole number from 1 to " + MAX, null);
  }

  private static String place(Run run) {
    var created = run.createdAt() == null ? Instant.EPOCH : run.createdAt();
    return "%020d/%s".formatted(created.toEpochMilli(), run.id());
  }

  private static String encoded(Run run) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(place(run).getBytes(StandardCharsets.UTF_8));
  }

  private static String decoded(String cursor) {
    try {
      return new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid(
          "after", "after is no next_cursor that a list gave", "leave it out");
    }
  }
}
