package flora.fakehub;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * How {@code resolve} leads to the bytes.
 *
 * @param status 301, 302, 307 or 308
 * @param hops redirects before the bytes, at least 1
 * @param style how each but the last names the next
 * @param metadataAt the answer that carries {@code X-Repo-Commit} and {@code X-Linked-*}, counted
 *     from 0; {@code hops} is the one with the bytes
 * @param content scheme, host and port of the content network as clients are told, null for its own
 */
public record Redirects(int status, int hops, Style style, int metadataAt, @Nullable URI content) {

  /** How a Location names the next hop. Each carries a query that decides. */
  public enum Style {
    /** Scheme, host, path and query. */
    ABSOLUTE,
    /** {@code /path?query}. */
    ROOTED,
    /** {@code name?query}, to be resolved against the request's path. */
    RELATIVE,
    /** {@code ?query}: the same path again. */
    QUERY_ONLY
  }

  /** One hop with this status. */
  public static Redirects with(int status) {
    return new Redirects(status, 1, Style.ROOTED, 0, null);
  }

  /** So many redirects one after the other. */
  public Redirects hops(int n, Style named) {
    return new Redirects(status, n, named, metadataAt, content);
  }

  /** The metadata on this answer only. */
  public Redirects metadataAt(int hop) {
    return new Redirects(status, hops, style, hop, content);
  }

  /**
   * Sends clients there for large files, for instance to {@code http://localhost} (the same content
   * network under another host name; its port is added) or to a host that nobody reaches.
   */
  public Redirects content(URI there) {
    return new Redirects(status, hops, style, metadataAt, there);
  }
}
