package flora.fakehub;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Where large files come from: nothing without a signed URL, and those expire. */
final class ContentNetwork {

  private record Grant(
      String path, Blob blob, Map<String, String> headers, long until, AtomicInteger left) {}

  private final FileBytes bytes;
  private final InstantSource clock;
  private final Map<String, Grant> grants = new ConcurrentHashMap<>();
  private final AtomicLong given = new AtomicLong();

  ContentNetwork(FileBytes bytes, InstantSource clock) {
    this.bytes = bytes;
    this.clock = clock;
  }

  /** A URL that is good for a while. */
  String sign(URI base, String path, Blob blob, Map<String, String> headers, Expiry expiry) {
    var signature =
        blob.gitSha1().substring(0, 16) + HexFormat.of().toHexDigits(given.incrementAndGet());
    var until = System.nanoTime() + expiry.life().toNanos();
    grants.put(
        signature, new Grant(path, blob, headers, until, new AtomicInteger(expiry.requests())));
    var name = path.substring(path.lastIndexOf('/') + 1);
    return base
        + "/cdn/"
        + blob.sha256()
        + "?response-content-disposition="
        + URLEncoder.encode("inline; filename=\"" + name + "\"", StandardCharsets.UTF_8)
        + "&Expires="
        + clock.instant().plus(expiry.life()).getEpochSecond()
        + "&sig="
        + signature;
  }

  void answer(Exchange exchange) throws IOException {
    var signature = exchange.query().get("sig");
    var grant = signature == null ? null : grants.get(signature);
    if (grant == null || !exchange.uri().getPath().equals("/cdn/" + grant.blob().sha256())) {
      deny(exchange, "Access denied");
    } else if (System.nanoTime() - grant.until() > 0
        || grant.left().getAndUpdate(n -> Math.max(0, n - 1)) == 0) {
      deny(exchange, "Request has expired");
    } else {
      exchange.answerHeaders().putAll(grant.headers());
      bytes.answer(exchange, grant.path(), grant.blob(), grant.blob().sha256(), 206);
    }
  }

  private static void deny(Exchange exchange, String why) throws IOException {
    exchange.answerHeaders().put("Content-Type", "application/xml");
    exchange.send(
        403,
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>AccessDenied</Code><Message>%s</Message></Error>
        """
            .formatted(why)
            .getBytes(StandardCharsets.UTF_8));
  }
}
