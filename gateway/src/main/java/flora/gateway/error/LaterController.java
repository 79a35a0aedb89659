package flora.gateway.error;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Promised, not there yet: says so instead of pretending that the address is wrong. */
@RestController
final class LaterController {

  private final ProblemHandler problems;

  LaterController(ProblemHandler problems) {
    this.problems = problems;
  }

  @RequestMapping({
    "/v1/runs/{id}/retry",
    "/v1/adapters/{*rest}",
    "/v1/workers/{*rest}",
    "/v1/dead-letters/{*rest}",
    "/v1/webhooks/{*rest}",
    "/v1/events/{*rest}",
    "/v1/files/{*rest}",
    "/v1/fine_tuning/{*rest}",
    "/api/models/{*rest}",
    "/api/datasets/{*rest}",
    "/{name}/resolve/{revision}/{*path}",
    "/{owner}/{name}/resolve/{revision}/{*path}"
  })
  void later(HttpServletRequest request, HttpServletResponse response) throws IOException {
    var refusal = new Refusal.NotYet(request.getMethod() + " on this address");
    problems.write(refusal, request, response);
  }
}
