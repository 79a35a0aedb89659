package flora.gateway.page;

import flora.gateway.error.Refusal;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which page of a list is asked for. What is listed has places that are compared as text; a cursor
 * is the place of the last one of the page before, so nothing is skipped or told twice when others
 * come and go meanwhile.
 *
 * @param limit how many it is to hold
 * @param after the place after which it begins; null for the first page
 */
public record PageRequest(int limit, @Nullable String after) {

  private static final int USUAL = 20;
  private static final int MOST = 100;

  /**
   * Reads the parameters of a URL.
   *
   * @throws Refusal.Invalid naming the one that is wrong
   */
  public static PageRequest of(@Nullable String limit, @Nullable String after) {
    return new PageRequest(
        limit == null ? USUAL : number(limit), after == null ? null : decoded(after));
  }

  /**
   * A page.
   *
   * @param nextCursor where the next one begins; null when this is the last
   */
  public record Page<T>(List<T> data, @Nullable String nextCursor) {

    /** Whether others follow. */
    public boolean hasMore() {
      return nextCursor != null;
    }
  }

  /** Cuts it out of all there are, in the order of their places. */
  public <T> Page<T> cut(Stream<T> all, Function<T, String> place, Comparator<String> order) {
    var found =
        all.filter(one -> after == null || order.compare(place.apply(one), after) > 0)
            .sorted(Comparator.comparing(place, order))
            .limit(limit + 1L)
            .toList();
    if (found.size() <= limit) {
      return new Page<>(found, null);
    }
    var data = found.subList(0, limit);
    return new Page<>(data, encoded(place.apply(data.getLast())));
  }

  private static int number(String text) {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= MOST) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new Refusal.Invalid("limit", "limit is not a whole number from 1 to " + MOST, null);
  }

  private static String encoded(String place) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(place.getBytes(StandardCharsets.UTF_8));
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
