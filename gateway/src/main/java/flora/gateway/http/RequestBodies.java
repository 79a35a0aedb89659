package flora.gateway.http;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.schemas.request.ContentKind;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.request.RequestReader;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads what comes in the body of a request, up to {@code gateway.max-request}. */
@Component
public final class RequestBodies {

  private final int limit;

  RequestBodies(GatewayProperties properties) {
    limit = Math.toIntExact(properties.maxRequest().toBytes());
  }

  /**
   * A run request, JSON, YAML or TOML as its Content-Type says.
   *
   * @param dialect whose names its keys have; null = kohya's in TOML, else Flora's
   * @throws flora.schemas.request.RequestException for what is wrong in it
   */
  public EffectiveRequest runRequest(HttpServletRequest http, @Nullable String dialect)
      throws IOException {
    return RequestReader.read(bytes(http), kind(http), dialect);
  }

  /**
   * The whole body.
   *
   * @throws Refusal.TooLarge for more than is read here
   */
  public byte[] bytes(HttpServletRequest http) throws IOException {
    if (http.getContentLengthLong() > limit) {
      throw new Refusal.TooLarge("the request", limit);
    }
    var body = http.getInputStream().readNBytes(limit + 1);
    if (body.length > limit) {
      throw new Refusal.TooLarge("the request", limit);
    }
    return body;
  }

  private static ContentKind kind(HttpServletRequest http) {
    var type = http.getContentType();
    var kind = type == null ? Optional.<ContentKind>empty() : ContentKind.of(type);
    return kind.orElseThrow(
        () ->
            new Refusal.WrongMediaType(
                type, "application/json, application/yaml or application/toml"));
  }
}
