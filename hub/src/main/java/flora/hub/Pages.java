package flora.hub;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON pages of one place. */
final class Pages {

  private static final int LARGEST = 64 << 20;

  /** Many times what a page has to tell that is not a list of thousands. */
  private static final int SHORT = 4 << 20;

  private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;[^,]*\\brel=\"?next\"?");
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A page.
   *
   * @param next address of the one that follows, as the hub names it
   * @param at where it was found, after all redirects
   */
  record Page(JsonNode body, @Nullable String next, HttpUrl at) {}

  /** What an answer that is no success means. */
  @FunctionalInterface
  interface Failures {
    HubException of(HubHttp.Answer answer);
  }

  private final HubHttp http;
  private final RetryPolicy policy;

  Pages(HubHttp http, RetryPolicy policy) {
    this.http = http;
    this.policy = policy;
  }

  /** Gets a page, again and again by the policy. */
  Page get(HttpUrl url, Failures failures) throws InterruptedException {
    return policy.again(() -> once(url, HubNetwork.Patience.PAGE, failures));
  }

  /** Gets a page; a quick one once, within three seconds, or not at all. */
  Page get(HttpUrl url, boolean quick, Failures failures) throws InterruptedException {
    return quick ? once(url, HubNetwork.Patience.QUICK, failures) : get(url, failures);
  }

  /**
   * Gets a page with details that the place may have to look up one by one. Where they make it long
   * or the place does not bring it forth, the plain page does.
   *
   * @param quick whether it is asked for once only, as in {@link #get(HttpUrl, boolean, Failures)}
   */
  Page detailed(HttpUrl url, HttpUrl plain, boolean quick, Failures failures)
      throws InterruptedException {
    if (quick) {
      return shortOr(url, plain, HubNetwork.Patience.QUICK, failures);
    }
    var failed = new AtomicBoolean();
    return policy.again(
        () -> {
          if (failed.get()) {
            return once(plain, HubNetwork.Patience.PAGE, failures);
          }
          try {
            return shortOr(url, plain, HubNetwork.Patience.PAGE, failures);
          } catch (HubException.Unreachable e) {
            failed.set(true);
            throw e;
          }
        });
  }

  private Page shortOr(HttpUrl url, HttpUrl plain, HubNetwork.Patience patience, Failures failures)
      throws InterruptedException {
    var page = upTo(SHORT, url, patience, failures);
    return page != null ? page : once(plain, patience, failures);
  }

  private Page once(HttpUrl url, HubNetwork.Patience patience, Failures failures)
      throws InterruptedException {
    var page = upTo(LARGEST, url, patience, failures);
    if (page == null) {
      throw new HubException.Protocol(http.who(url), "a page of more than 64 MiB");
    }
    return page;
  }

  /** Null when it is longer. */
  private @Nullable Page upTo(
      int most, HttpUrl url, HubNetwork.Patience patience, Failures failures)
      throws InterruptedException {
    var answer = http.page(url, patience);
    var who = http.who(answer.url());
    try (var response = answer.response()) {
      if (!response.isSuccessful()) {
        throw failures.of(answer);
      }
      var bytes = response.body().byteStream().readNBytes(most + 1);
      if (bytes.length > most) {
        return null;
      }
      var link = NEXT.matcher(String.join(",", response.headers("Link")));
      return new Page(JSON.readTree(bytes), link.find() ? link.group(1) : null, answer.url());
    } catch (JacksonException e) {
      throw new HubException.Protocol(who, "what should be JSON is not");
    } catch (IOException e) {
      throw HubHttp.unreachable(who, answer.url().host(), e);
    }
  }
}
