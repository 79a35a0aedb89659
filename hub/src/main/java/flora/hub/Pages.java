package flora.hub;

import java.io.IOException;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON pages of one place. */
final class Pages {

  private static final int LARGEST = 64 << 20;
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

  private Page once(HttpUrl url, HubNetwork.Patience patience, Failures failures)
      throws InterruptedException {
    var answer = http.page(url, patience);
    var who = http.who(answer.url());
    try (var response = answer.response()) {
      if (!response.isSuccessful()) {
        throw failures.of(answer);
      }
      var bytes = response.body().byteStream().readNBytes(LARGEST + 1);
      if (bytes.length > LARGEST) {
        throw new HubException.Protocol(who, "a page of more than 64 MiB");
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
