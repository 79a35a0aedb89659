package flora.gateway.error;

import flora.gateway.GatewayProperties;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Asks for the API key wherever something can be seen or changed, when there is one. */
@Component
final class ApiKeyFilter extends OncePerRequestFilter {

  private static final String SCHEME = "Bearer ";

  private final GatewayProperties.ApiKey key;
  private final ProblemHandler problems;

  ApiKeyFilter(GatewayProperties properties, ProblemHandler problems) {
    key = properties.apiKey();
    this.problems = problems;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    // by what it is, not by its path: paths can be spelled in many ways
    var path = request.getServletPath();
    return !key.isSet() || path.equals("/healthz") || path.equals("/readyz");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (knows(request.getHeader(HttpHeaders.AUTHORIZATION))) {
      chain.doFilter(request, response);
    } else {
      problems.write(new Refusal.Unauthorized(), request, response);
    }
  }

  private boolean knows(@org.jspecify.annotations.Nullable String header) {
    if (header == null || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return false;
    }
    // every comparison takes the same time
    return MessageDigest.isEqual(
        header.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8),
        String.valueOf(key.value()).getBytes(StandardCharsets.UTF_8));
  }
}
