package flora.gateway.http;

import flora.gateway.error.Refusal;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A part of a file, as RFC 9110 section 14 asks for it.
 *
 * @param first its first byte, from 0
 * @param last its last byte
 */
record HttpRange(long first, long last) {

  private static final Pattern ONE = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

  /**
   * The part that a header asks for; empty = the whole: no header, several parts, or one that is
   * not understood, which the RFC has us ignore.
   *
   * @throws Refusal.RangeUnsatisfiable when it begins behind the end
   */
  static Optional<HttpRange> of(@Nullable String header, long size) {
    var match = header == null ? null : ONE.matcher(header.replace(" ", ""));
    if (match == null || !match.matches()) {
      return Optional.empty();
    }
    var from = match.group(1);
    var to = match.group(2);
    if (from.isEmpty() && to.isEmpty()) {
      return Optional.empty();
    }
    long first = from.isEmpty() ? Math.max(0, size - Long.parseLong(to)) : Long.parseLong(from);
    long last = from.isEmpty() || to.isEmpty() ? size - 1 : Math.min(size - 1, Long.parseLong(to));
    if (!from.isEmpty() && !to.isEmpty() && Long.parseLong(to) < first) {
      return Optional.empty();
    }
    if (first >= size) {
      throw new Refusal.RangeUnsatisfiable(size);
    }
    return Optional.of(new HttpRange(first, last));
  }

  /** How many bytes it has. */
  long length() {
    return last - first + 1;
  }

  /** As {@code Content-Range} says it. */
  String of(long size) {
    return "bytes %d-%d/%d".formatted(first, last, size);
  }
}
