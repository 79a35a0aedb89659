package flora.fakehub;

import static flora.fakehub.HubCalls.header;
import static flora.fakehub.HubCalls.location;
import static flora.fakehub.HubCalls.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedirectsTest {

  private static final String LARGE = "/flora/tiny/resolve/main/unet/model.safetensors";

  private final FakeHub hub =
      FakeHub.start(0, "/hub")
          .add(
              FakeRepo.model("flora/tiny")
                  .file("config.json", "{}")
                  .noise("unet/model.safetensors", 1000));
  private final HubCalls calls = new HubCalls(hub);

  @AfterEach
  void stop() {
    calls.close();
    hub.close();
  }

  @ParameterizedTest
  @CsvSource({
    "301, ABSOLUTE, http://127.0.0.1:",
    "302, ROOTED, /hub/flora/tiny/resolve/main/unet/model.safetensors?hop=1",
    "307, RELATIVE, model.safetensors?hop=1",
    "308, QUERY_ONLY, ?hop=1"
  })
  void leadsOverSeveralHops(int status, Redirects.Style style, String second) throws Exception {
    hub.redirects(Redirects.with(status).hops(3, style).metadataAt(2));

    var first = calls.get(LARGE);
    var next = calls.get(LARGE + "?hop=1");
    var last = calls.get(LARGE + "?hop=2");

    assertThat(first.statusCode()).isEqualTo(status);
    assertThat(location(first)).startsWith(second).endsWith("?hop=1");
    assertThat(header(first, "X-Repo-Commit") + header(next, "X-Linked-Size")).isEmpty();
    assertThat(header(last, "X-Linked-Size")).isEqualTo("1000");
    assertThat(calls.get(URI.create(location(last)), null).body()).hasSize(1000);
  }

  @Test
  void tellsTheMetadataWithTheBytesOnly() throws Exception {
    hub.redirects(Redirects.with(308).metadataAt(1).content(URI.create("http://localhost")));

    var first = calls.get(LARGE);
    var there = URI.create(location(first));
    var bytes = calls.get(there, null);

    assertThat(first.headers().map()).doesNotContainKeys("x-repo-commit", "x-linked-etag");
    assertThat(there.getHost()).isEqualTo("localhost");
    assertThat(header(bytes, "X-Linked-Size")).isEqualTo("1000");
    assertThat(header(bytes, "X-Repo-Commit")).hasSize(40);
  }

  @Test
  void sendsClientsWhereNobodyIs() throws Exception {
    hub.redirects(Redirects.with(302).content(URI.create("http://127.0.0.1:1")));

    assertThat(location(calls.get(LARGE))).startsWith("http://127.0.0.1:1/cdn/");
    assertThat(location(calls.get("/flora/tiny/resolve/main/config.json"))).startsWith("/hub/");
  }

  @Test
  void letsSignedUrlsExpireAfterTimeOrRequests() throws Exception {
    hub.expiry(Expiry.after(2));
    var twice = calls.content("flora/tiny", "unet/model.safetensors");
    hub.expiry(Expiry.after(Duration.ofMillis(150)));
    var brief = calls.content("flora/tiny", "unet/model.safetensors");

    assertThat(calls.get(brief, null).statusCode()).isEqualTo(200);
    assertThat(calls.get(twice, "bytes=0-9").statusCode()).isEqualTo(206);
    assertThat(calls.get(twice, null).statusCode()).isEqualTo(200);
    var third = calls.get(twice, null);
    Thread.sleep(200);
    var late = calls.get(brief, null);

    assertThat(third.statusCode()).isEqualTo(403);
    assertThat(late.statusCode()).isEqualTo(403);
    assertThat(header(late, "Content-Type")).isEqualTo("application/xml");
    assertThat(text(late)).contains("<Code>AccessDenied</Code>").contains("expired");
    var fresh = calls.content("flora/tiny", "unet/model.safetensors");
    assertThat(calls.get(fresh, null).statusCode()).isEqualTo(200);
  }

  @Test
  void limitsRequestsAndSaysSoAsTheHubDoes() throws Exception {
    hub.limit(RateLimit.of(RateLimit.Resource.API, 2, Duration.ofSeconds(1)))
        .limit(
            RateLimit.of(RateLimit.Resource.RESOLVERS, 1, Duration.ofHours(1))
                .retryAfter(RateLimit.RetryAfter.DATE)
                .silent());

    var first = calls.get("/api/models/flora/tiny");
    calls.get("/api/models/flora/tiny");
    var third = calls.get("/api/models/flora/tiny");
    calls.get(LARGE);
    var resolved = calls.get(LARGE);
    Thread.sleep(1050);

    assertThat(header(first, "RateLimit")).isEqualTo("\"api\";r=1;t=1");
    assertThat(header(first, "RateLimit-Policy")).isEqualTo("\"fixed window\";\"api\";q=2;w=1");
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(header(third, "RateLimit")).startsWith("\"api\";r=0;t=");
    assertThat(header(third, "Retry-After")).isEqualTo("1");
    assertThat(resolved.statusCode()).isEqualTo(429);
    assertThat(header(resolved, "RateLimit")).isEmpty();
    assertThat(header(resolved, "Retry-After")).endsWith(" GMT");
    assertThat(calls.get("/api/models/flora/tiny").statusCode()).isEqualTo(200);
  }
}
